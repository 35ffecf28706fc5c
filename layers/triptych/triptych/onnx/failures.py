"""ONNX Runtime's exceptions, and what of their messages a caller may read."""

from __future__ import annotations

import re
from pathlib import Path

from onnxruntime.capi import onnxruntime_pybind11_state as runtime

FAILURES: tuple[type[Exception], ...] = (
    *(kind for kind in vars(runtime).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    RuntimeError,
    ValueError,
    TypeError,
    UnicodeError,
)
"""What opening or running a model raises. The classes share no base but Exception."""

_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
_SOURCE_PATH = re.compile(r"(?:/[\w.+-]+){2,}(?::\d+)?")
_MAX_LENGTH = 500
_CUT = re.compile("Protobuf parsing failed|No graph was found|can not be read in full")
_NO_MEMORY = re.compile("bad_alloc|Failed to allocate memory|Available memory of")


def is_out_of_memory(error: Exception) -> bool:
    """Tells whether a model failed because it got no more memory."""
    return _NO_MEMORY.search(str(error)) is not None


def is_cut(error: Exception) -> bool:
    """Tells whether a model failed to open because a file is cut short, or is no model."""
    return _CUT.search(str(error)) is not None


def reason(error: Exception, directory: Path | None = None) -> str:
    """Gives the message of an exception without paths.

    Args:
        error: What ONNX Runtime raised.
        directory: Where the model lies; file names in it lose it.
    """
    text = _PREFIX.sub("", str(error)).strip()
    if directory is not None:
        text = text.replace(f"{directory}/", "")
    return " ".join(_SOURCE_PATH.sub("", text).split())[:_MAX_LENGTH]
