"""Session options: how ONNX Runtime is told to run a model."""

from __future__ import annotations

from pathlib import Path

import onnxruntime

from triptych.interfaces.settings import SessionSettings

_FATAL = 4  # failures come as exceptions; lines on stderr would repeat them without a request id


def session_options(model: Path, settings: SessionSettings) -> onnxruntime.SessionOptions:
    """Makes the options for one model.

    Args:
        model: The `.onnx` file; any file beside it is taken for external weights.
        settings: Threads, weights and memory.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    # The default counts the machine's processors, not the function's share of them.
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    # Memory patterns are planned per input shape: with free shapes they are made for nothing.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = settings.arena
    if settings.weights == "mapped" and _has_external_weights(model):
        # Prepacking copies weights into memory; without it they stay in the mapped file.
        options.add_session_config_entry("session.disable_prepacking", "1")
    return options


def _has_external_weights(model: Path) -> bool:
    return any(file != model for file in model.parent.iterdir())
