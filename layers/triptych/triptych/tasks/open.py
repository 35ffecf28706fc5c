"""Opens a version as what it is for: the ONNX session, and the task in front of it that its files name."""

from __future__ import annotations

from pathlib import Path

from triptych.errors import ModelUnavailable
from triptych.models.config import ModelConfig, SessionSettings, TaskConfig, TaskName
from triptych.models.model import ModelSession
from triptych.models.session import open_session as open_model
from triptych.models.storage import graph_in
from triptych.tasks.export import Export


def open_session(directory: Path, config: ModelConfig, settings: SessionSettings) -> ModelSession:
    """Opens the version in a directory.

    Args:
        directory: Holds `model.onnx` or `onnx/model.onnx`, and what the export left beside it.
        config: What its `model.toml` says.
        settings: How the model is to be run.

    Returns:
        The task that `[task]` or the files beside the model name; without one the model itself.

    Raises:
        NotSupported: The model uses types that the protocol cannot carry.
        ModelUnavailable: The file is not a model that can be run, or not of the task.
    """
    model = open_model(graph_in(directory), settings)
    if config.task.name == "none":
        return model
    export = Export(directory, model.signature, model.metadata)
    name = config.task.name or export.task
    if name is None:
        return model
    try:
        return _task(name, model, export, config.task)
    except ModelUnavailable as error:
        raise ModelUnavailable(
            f"task {name!r}: {error}; [task] in model.toml sets what the files do not say, "
            "and name = 'none' serves the model's own tensors"
        ) from error


def _task(name: TaskName, model: ModelSession, export: Export, config: TaskConfig) -> ModelSession:
    # A model imports what its task needs, and no other: tokenizers, Pillow.
    match name:
        case "text-classification":
            from triptych.tasks.text_classification import TextClassification

            return TextClassification(model, export, config)
        case "text-ranking":
            from triptych.tasks.text_classification import TextRanking

            return TextRanking(model, export, config)
        case _:
            raise ModelUnavailable("is not served yet")
