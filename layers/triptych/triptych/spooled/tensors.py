"""Inference on tensors, from a file to a file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from triptych.errors import NO_MEMORY, BadRequest, PayloadTooLarge
from triptych.inference.request import PreparedTensors, infer, prepare_infer, raw_request
from triptych.inference.slices import Results, RowsDepend, Slices
from triptych.models.model import Model
from triptych.protocol.compression import PLAIN_LIMIT
from triptych.protocol.infer_request import InferRequest, InputTensor, parse_infer_request
from triptych.protocol.tensors import Tensor
from triptych.spooled.tensor_file import TensorFile


class Written(NamedTuple):
    """Tensors that are in a file.

    Attributes:
        content_type: What the file is.
        header_length: Bytes of the JSON header; None when there are no raw tensors.
        rows: Size of the inputs' first dimension.
    """

    content_type: str
    header_length: int | None
    rows: int


def transform_tensors(
    model: Model, content: memoryview, header_length: int | None, target: Path, slices: Slices
) -> Written:
    """Runs a model on the tensors of a request.

    Args:
        model: What to run.
        content: The request, as a view of a file.
        header_length: Bytes of the JSON at its beginning; None when it is nothing but JSON.
        target: Takes the answer.
        slices: Runs the model where rows can be run by themselves.

    Raises:
        TriptychError: As `infer`.
    """
    request = _request(model, content, header_length)
    if not _is_sliceable(model, request):
        if len(content) > PLAIN_LIMIT.bytes:
            raise PayloadTooLarge(_too_large(len(content)))
        return _whole(model, request, target, slices)
    _check(model, request)
    try:
        return _sliced(model, request, target, slices)
    except RowsDepend:
        return _whole(model, request, target, slices)


def _request(model: Model, content: memoryview, header_length: int | None) -> InferRequest:
    if header_length == 0:
        return raw_request(content, model.signature)
    if header_length is not None and header_length > len(content):
        raise BadRequest(f"the JSON header has {header_length} bytes, but the whole body {len(content)}")
    return parse_infer_request(content, header_length)


def _is_sliceable(model: Model, request: InferRequest) -> bool:
    """Whether all inputs are raw numbers with as many rows each, and the model leaves the rows free."""
    specs = (*model.signature.inputs, *model.signature.outputs)
    numbers = all(
        tensor.raw is not None and tensor.datatype.size and tensor.shape for tensor in request.inputs
    )
    return (
        model.config.group is not False
        and numbers
        and all(spec.rows_are_free for spec in specs)
        and len({tensor.shape[0] for tensor in request.inputs}) == 1
        and request.inputs[0].shape[0] > 0
    )


def _check(model: Model, request: InferRequest) -> None:
    """Checks the whole before any of it is run; no array here takes memory."""
    for tensor in request.inputs:
        expected = math.prod(tensor.shape) * tensor.datatype.size
        if len(tensor.raw or b"") != expected:
            raise BadRequest(
                f"input {tensor.name!r}: shape {list(tensor.shape)} of {tensor.datatype.name} takes "
                f"{expected} bytes, got {len(tensor.raw or b'')}"
            )
    model.signature.check_inputs(
        {
            tensor.name: Tensor(
                tensor.datatype, np.broadcast_to(np.zeros((), tensor.datatype.storage), tensor.shape)
            )
            for tensor in request.inputs
        }
    )


def _sliced(model: Model, request: InferRequest, target: Path, slices: Slices) -> Written:
    rows = request.inputs[0].shape[0]
    row_bytes = sum(len(tensor.raw or b"") for tensor in request.inputs) // rows
    with TensorFile(target, rows) as file:
        for part, results in slices.run(_Rows(model, request), rows, row_bytes):
            _check_rows(results, part.rows)
            file.add(part.answer(results), part.rows)
        return Written(*file.finish(), rows)


def _check_rows(results: Results, rows: int) -> None:
    if any(tensor.shape[:1] != (rows,) for tensor in results.values()):
        raise RowsDepend


def _whole(model: Model, request: InferRequest, target: Path, slices: Slices) -> Written:
    try:
        answer = infer(model, request, slices.deadline)
    except MemoryError:
        raise PayloadTooLarge(f"the request cannot be run in slices, and {NO_MEMORY}") from None
    slices.nanoseconds += answer.timings.compute_infer
    target.write_bytes(answer.body)
    return Written(answer.content_type, answer.header_length, answer.rows)


class _Rows:
    """A request of which some rows can be taken."""

    def __init__(self, model: Model, request: InferRequest) -> None:
        self._model = model
        self._request = request

    def slice(self, start: int, stop: int) -> PreparedTensors:
        """Takes some rows."""
        inputs = tuple(_slice(tensor, start, stop) for tensor in self._request.inputs)
        return prepare_infer(self._model, self._request._replace(inputs=inputs))


def _slice(tensor: InputTensor, start: int, stop: int) -> InputTensor:
    raw = tensor.raw or memoryview(b"")
    size = len(raw) // tensor.shape[0]
    return tensor._replace(shape=(stop - start, *tensor.shape[1:]), raw=raw[start * size : stop * size])


def _too_large(size: int) -> str:
    return (
        f"{size} bytes are more than the {PLAIN_LIMIT.bytes} that are taken in this form, because all "
        "of it has to be in memory: only numbers in binary may be larger, for a model whose first dimensions "
        "are all free and whose inputs have the same number of rows; or send rows"
    )
