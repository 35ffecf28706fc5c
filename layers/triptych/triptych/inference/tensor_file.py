"""Inference on the tensors of a request that lies in a file.

```
file ── mapped ── rows of the raw inputs ── slices ── run ── answers ──> one answer of all rows
```

Memory does not grow with the file where all inputs are numbers in binary and rows can be run by themselves.
Anything else is run as a whole, up to the size that memory takes.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from triptych.errors import NO_MEMORY, BadRequest, PayloadTooLarge
from triptych.inference.local_file import FileAnswer, LocalFile, room_on_disk
from triptych.inference.slices import Budget, RowsDepend, Slices
from triptych.inference.tensor_writer import TensorWriter
from triptych.inference.tensors import PreparedTensors, infer, prepare_infer, raw_request
from triptych.models.model import Model
from triptych.protocol.compression import PLAIN_LIMIT
from triptych.protocol.infer_request import InferRequest, InputTensor, parse_infer_request
from triptych.protocol.tensors import Tensor


def transform_tensors(
    model: Model, source: LocalFile, header_length: int | None, target: Path, budget: Budget
) -> FileAnswer:
    """Runs a model on the tensors of a request in a local file.

    Beside the source and the answer, the directory of the source takes a decompressed copy of one that comes
    compressed, and that of the target once more the outputs that are strings or JSON.

    The target is whole only when this returns; without a header length, the request is nothing but JSON.

    Raises:
        TriptychError: As `infer`; also where the disk is full.
    """
    with room_on_disk(), source.mapped() as content:
        request = _request(model, content, header_length)
        model = model.taking(tensor.name for tensor in request.inputs)
        return _transformed(request, len(content), target, Slices(model, budget))


def _transformed(request: InferRequest, size: int, target: Path, slices: Slices) -> FileAnswer:
    model = slices.model
    if not _is_sliceable(model, request):
        if size > PLAIN_LIMIT.bytes:
            raise PayloadTooLarge(
                f"{size} bytes are more than the {PLAIN_LIMIT.bytes} that are taken in this form, because "
                "all of it has to be in memory: only numbers in binary may be larger, for a model whose "
                "first dimensions are all free and whose inputs have the same number of rows; or send rows"
            )
        return _whole(request, target, slices)
    _check(model, request)
    try:
        return _sliced(request, target, slices)
    except RowsDepend:
        return _whole(request, target, slices)


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


def _sliced(request: InferRequest, target: Path, slices: Slices) -> FileAnswer:
    rows = request.inputs[0].shape[0]
    row_bytes = sum(len(tensor.raw or b"") for tensor in request.inputs) // rows
    with TensorWriter(target, rows) as writer:
        for part, results in slices.run(_Rows(slices.model, request), rows, row_bytes):
            if any(tensor.shape[:1] != (part.rows,) for tensor in results.values()):
                raise RowsDepend
            writer.add(part, part.encoded(results))
        content_type, header_length = writer.finish()
    return FileAnswer(content_type, header_length, 0, rows)


def _whole(request: InferRequest, target: Path, slices: Slices) -> FileAnswer:
    try:
        answer = infer(slices.model, request, slices.budget.deadline)
    except MemoryError:
        raise PayloadTooLarge(f"the request cannot be run in slices, and {NO_MEMORY}") from None
    target.write_bytes(answer.body)
    return FileAnswer(answer.content_type, answer.header_length, 0, answer.rows)


class _Rows(NamedTuple):
    """A request of which some rows can be taken."""

    model: Model
    request: InferRequest

    def slice(self, start: int, stop: int) -> PreparedTensors:
        """Makes the request for these rows."""
        inputs: list[InputTensor] = []
        for tensor in self.request.inputs:
            raw = tensor.raw or memoryview(b"")
            size = len(raw) // tensor.shape[0]
            shape = (stop - start, *tensor.shape[1:])
            inputs.append(tensor._replace(shape=shape, raw=raw[start * size : stop * size]))
        return prepare_infer(self.model, self.request._replace(inputs=tuple(inputs)))
