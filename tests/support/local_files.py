"""Requests from file to file, with slices and chunks as tiny as wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from triptych.clock import Deadline
from triptych.inference.file import transform_rows
from triptych.inference.local_file import LocalFile
from triptych.inference.slices import Budget, Sizes
from triptych.inference.tensor_file import transform_tensors
from triptych.jobs.job import JobRequest
from triptych.models.config import ModelConfig, SessionSettings, parse_model_config
from triptych.models.model import Model
from triptych.models.session import open_session

MODELS = Path(__file__).parents[2] / "layers/models"
TINY = Sizes(first=1, largest=64, block=16)


class Transformed(NamedTuple):
    """What came of a file.

    Attributes:
        body: Content of the target.
        content_type: What it is.
        header_length: Bytes of its JSON header.
        filled: How many missing cells were filled in.
        rows: How many rows were predicted for.
    """

    body: bytes
    content_type: str
    header_length: int | None
    filled: int
    rows: int


def sample(name: str) -> Model:
    """Opens a sample model."""
    directory = MODELS / name
    config = parse_model_config((directory / "model.toml").read_text(encoding="utf-8"))
    return Model(name, 1, config, open_session(directory / "1/model.onnx", SessionSettings()))


def tiny(content: bytes, directory: Path, *, group: bool | None = None) -> Model:
    """Opens a model of the given content."""
    path = directory / "model.onnx"
    path.write_bytes(content)
    return Model("tiny", 1, ModelConfig(group=group), open_session(path, SessionSettings()))


def transformed(
    model: Model,
    body: bytes,
    request: JobRequest,
    *,
    sizes: Sizes = TINY,
    checkpoint: Callable[[], None] = lambda: None,
) -> Transformed:
    """Answers a body by way of files; they are all that there is in their directory afterwards."""
    with TemporaryDirectory() as name:
        source, target = Path(name, "source"), Path(name, "target")
        source.write_bytes(body)
        file = LocalFile(source, request.content_encoding, Path(name))
        budget = Budget(Deadline.after(60), checkpoint, sizes)
        if request.content_type is None or request.header_length is not None:
            answer = transform_tensors(model, file, request.header_length, target, budget)
        else:
            answer = transform_rows(model, file, request.row_options(), target, budget)
        assert {source, target} == set(Path(name).iterdir())
        return Transformed(target.read_bytes(), *answer)
