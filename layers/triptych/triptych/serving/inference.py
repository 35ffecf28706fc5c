"""Inference on tensors: a request of the protocol to an answer of the protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from triptych.errors import PayloadTooLarge
from triptych.interfaces.deadline import Deadline
from triptych.protocol.datatypes import BYTES
from triptych.protocol.infer_request import InferRequest, InputTensor, RequestedOutput
from triptych.protocol.json_body import dump
from triptych.protocol.media_types import BINARY, JSON
from triptych.serving.model import Model
from triptych.serving.prepared import Answer, Served, serve
from triptych.tensors.binary_codec import decode_binary, encode_binary
from triptych.tensors.classification import classify
from triptych.tensors.json_codec import decode_json, encode_json
from triptych.tensors.tensor import Tensor

MAX_STRINGS = 2**23
"""Elements of all BYTES inputs of a request in binary: each is decoded by itself, in 0.3 us and more."""


class PreparedTensors(NamedTuple):
    """Tensors that are ready to run; see `Prepared`.

    Attributes:
        model: What runs them.
        request: Where they came from.
        inputs: The tensors by name.
        wanted: How the outputs go into the answer.
        outputs: Their names.
        rows: Size of the inputs' first dimension.
    """

    model: Model
    request: InferRequest
    inputs: Mapping[str, Tensor]
    wanted: Sequence[RequestedOutput]
    outputs: Sequence[str]
    rows: int

    @property
    def is_one_run(self) -> bool:
        """Always."""
        return True

    def run(self, deadline: Deadline) -> dict[str, Tensor]:
        """Runs the model once."""
        return self.model.run(self.inputs, self.outputs, deadline)

    def answer(self, results: Mapping[str, Tensor]) -> Answer:
        """Writes the protocol's answer."""
        raw: list[bytes] = []
        described = [_describe(self.model, output, results[output.name], raw) for output in self.wanted]
        message: dict[str, Any] = {"model_name": self.model.name, "model_version": str(self.model.version)}
        if self.request.id is not None:
            message["id"] = self.request.id
        header = dump({**message, "outputs": described})
        if not raw:
            return Answer(header, JSON)
        return Answer(b"".join((header, *raw)), BINARY, len(header))


def prepare_infer(model: Model, request: InferRequest) -> PreparedTensors:
    """Decodes the tensors of a request and checks them against the model.

    Raises:
        BadRequest: The tensors or the wanted outputs are not the model's.
        PayloadTooLarge: There are too many BYTES elements to be decoded in time.
    """
    wanted = _wanted(model, request)
    _check_strings(request)
    inputs = {tensor.name: _decode(tensor) for tensor in request.inputs}
    model.signature.check_inputs(inputs)
    outputs = [output.name for output in wanted]
    rows = max((tensor.shape[0] for tensor in inputs.values() if tensor.shape), default=1)
    return PreparedTensors(model, request, inputs, wanted, outputs, rows)


def infer(model: Model, request: InferRequest, deadline: Deadline) -> Served:
    """Runs a model on the tensors of a request.

    Raises:
        BadRequest: The tensors or the wanted outputs are not the model's.
        DeadlineExceeded: The model did not answer in time.
    """
    return serve(prepare_infer, model, request, deadline)


def _wanted(model: Model, request: InferRequest) -> tuple[RequestedOutput, ...]:
    if not request.outputs:
        return tuple(RequestedOutput(spec.name, request.binary_output) for spec in model.signature.outputs)
    for output in request.outputs:
        model.signature.output_named(output.name)
    return request.outputs


def _check_strings(request: InferRequest) -> None:
    """Counts BYTES elements by the declared shapes, of which none has been decoded yet."""
    strings = [tensor for tensor in request.inputs if tensor.raw is not None and tensor.datatype is BYTES]
    count = sum(math.prod(tensor.shape) for tensor in strings)
    if count > MAX_STRINGS:
        raise PayloadTooLarge(
            f"the BYTES inputs have {count} elements, more than the {MAX_STRINGS} that are taken at once; "
            "send fewer rows at once"
        )


def _decode(tensor: InputTensor) -> Tensor:
    where = f"input {tensor.name!r}"
    if tensor.raw is not None:
        return decode_binary(tensor.datatype, tensor.shape, tensor.raw, where)
    return decode_json(tensor.datatype, tensor.shape, tensor.data or [], where)


def _describe(model: Model, output: RequestedOutput, tensor: Tensor, raw: list[bytes]) -> dict[str, Any]:
    where = f"output {output.name!r}"
    if output.classes:
        tensor = classify(tensor, output.classes, model.config.labels.get(output.name, ()), where)
    described: dict[str, Any] = {
        "name": output.name,
        "datatype": tensor.datatype.name,
        "shape": tensor.shape,
    }
    if not output.binary:
        return {**described, "data": encode_json(tensor, where)}
    raw.append(encode_binary(tensor))
    return {**described, "parameters": {"binary_data_size": len(raw[-1])}}
