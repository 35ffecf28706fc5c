"""Opens a version as what it is for: the model, the task that its files name, and its own code."""

from __future__ import annotations

from pathlib import Path

from triptych.errors import ModelUnavailable
from triptych.models.config import ModelConfig, SessionSettings, TaskConfig, TaskName
from triptych.models.model import GraphSession, ModelSession, VersionFiles
from triptych.models.storage import graph_in
from triptych.tasks.export import Export

_MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What comes of files with other fields, or values of other types, than their formats have."""
_OTHER_FORM = "the files beside the model have another form than is known"


def open_session(files: VersionFiles, config: ModelConfig, settings: SessionSettings) -> ModelSession:
    """Opens a version.

    Args:
        files: The graph, what the export left beside it, and code.
        config: What its `model.toml` says.
        settings: How the model is to be run.

    Returns:
        The model; in front of it the task that `[task]` or its files name; in front of that its code.

    Raises:
        NotSupported: The model uses types that the protocol cannot carry.
        ModelUnavailable: The file is not a model that can be run, or not of the task, or its code fails.
    """
    from triptych.models.session import open_session as open_model

    return in_front_of(open_model(graph_in(files.directory), settings), files, config)


def in_front_of(model: GraphSession, files: VersionFiles, config: ModelConfig) -> ModelSession:
    """Puts the task and the code of a version in front of its model, which is open here or elsewhere.

    Raises:
        ModelUnavailable: The model is not of the task, or the code fails.
    """
    session = _with_task(model, files.directory, config.task)
    if files.code is None:
        return session
    from triptych.tasks.code import CodeSession

    return CodeSession(session, files.code)


def _with_task(model: GraphSession, directory: Path, config: TaskConfig) -> ModelSession:
    if config.name == "none":
        return model
    name: TaskName | None = config.name
    try:
        export = Export(directory, model)
        name = name or export.task
        return model if name is None else _task(name, model, export, config)
    except (ModelUnavailable, *_MALFORMED) as error:
        of_task = f"task {name!r}: " if name else ""
        reason = error if isinstance(error, ModelUnavailable) else f"{_OTHER_FORM}: {error!r}"
        raise ModelUnavailable(
            f"{of_task}{reason}; [task] in model.toml sets what the files do not say, "
            "and name = 'none' serves the model's own tensors"
        ) from error


def _task(  # noqa: C901, PLR0911 - each task is imported by itself
    name: TaskName, model: ModelSession, export: Export, config: TaskConfig
) -> ModelSession:
    # A model imports what its task needs, and no other: tokenizers, Pillow.
    match name:
        case "feature-extraction":
            from triptych.tasks.feature_extraction import FeatureExtraction

            return FeatureExtraction(model, export, config)
        case "question-answering":
            from triptych.tasks.question_answering import QuestionAnswering

            return QuestionAnswering(model, export, config)
        case "text-classification":
            from triptych.tasks.text_classification import TextClassification

            return TextClassification(model, export, config)
        case "text-ranking":
            from triptych.tasks.text_classification import TextRanking

            return TextRanking(model, export, config)
        case "token-classification":
            from triptych.tasks.token_classification import TokenClassification

            return TokenClassification(model, export, config)
        case "zero-shot-classification":
            from triptych.tasks.zero_shot_classification import ZeroShotClassification

            return ZeroShotClassification(model, export, config)
        case "image-classification":
            from triptych.tasks.image_classification import ImageClassification

            return ImageClassification(model, export, config)
        case "image-feature-extraction":
            from triptych.tasks.image_classification import ImageFeatureExtraction

            return ImageFeatureExtraction(model, export)
        case "object-detection":
            from triptych.tasks.object_detection import ObjectDetection

            return ObjectDetection(model, export, config)
        case "none":
            return model
