"""Inference on tensors: a request of the protocol to an answer of the protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from triptych.clock import Deadline
from triptych.errors import BadRequest, PayloadTooLarge
from triptych.inference.request import Answer, Served, serve
from triptych.models.model import Model
from triptych.protocol.datatypes import BYTES
from triptych.protocol.infer_request import InferRequest, InputTensor, RequestedOutput
from triptych.protocol.json_document import dump
from triptych.protocol.media_types import BINARY, JSON
from triptych.protocol.tensor_codecs import classify, decode_binary, decode_json, encode_binary, encode_json
from triptych.protocol.tensors import FREE, Signature, Tensor, TensorSpec

MAX_STRINGS = 2**23
"""Elements of all BYTES inputs of a request in binary: each is decoded by itself, in 0.3 us and more."""


class EncodedOutput(NamedTuple):
    """An output as it stands in an answer.

    Attributes:
        described: Its entry in the JSON of the answer, with its values where they are JSON.
        raw: Its values in binary, which stand behind the JSON; None where they stand in it.
    """

    described: Mapping[str, Any]
    raw: bytes | None


class PreparedTensors(NamedTuple):
    """Tensors that are ready to run; see `Prepared`."""

    model: Model
    request: InferRequest
    inputs: Mapping[str, Tensor]
    requested: Sequence[RequestedOutput]
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
        outputs = self.encoded(results)
        header = dump({**self.message, "outputs": [output.described for output in outputs]})
        raw = [output.raw for output in outputs if output.raw is not None]
        return Answer(b"".join((header, *raw)), BINARY, len(header)) if raw else Answer(header, JSON)

    @property
    def message(self) -> dict[str, Any]:
        """What stands in the JSON of the answer before the outputs."""
        message = {"model_name": self.model.name, "model_version": str(self.model.version)}
        return message if self.request.id is None else {**message, "id": self.request.id}

    def encoded(self, results: Mapping[str, Tensor]) -> list[EncodedOutput]:
        """Encodes outputs; raises `BadRequest` if what is asked for cannot be made of these results."""
        return [_encoded(self.model, output, results[output.name]) for output in self.requested]


def prepare_infer(model: Model, request: InferRequest) -> PreparedTensors:
    """Decodes the tensors of a request and checks them against the model.

    A request that names the model's own tensors goes past the task in front of it.

    Raises:
        BadRequest: The tensors, or the outputs that are asked for, are not the model's.
        PayloadTooLarge: There are too many BYTES elements to be decoded in time.
    """
    model = model.taking(tensor.name for tensor in request.inputs)
    requested = _requested(model, request)
    _check_strings(request)
    images = {spec.name for spec in model.signature.inputs if spec.image}
    inputs = {tensor.name: _decode(tensor, text=tensor.name not in images) for tensor in request.inputs}
    model.signature.check_inputs(inputs)
    outputs = [output.name for output in requested]
    rows = max((tensor.shape[0] for tensor in inputs.values() if tensor.shape), default=1)
    return PreparedTensors(model, request, inputs, requested, outputs, rows)


def infer(model: Model, request: InferRequest, deadline: Deadline) -> Served:
    """Runs a request; raises what `prepare_infer` does, and `DeadlineExceeded` without an answer in time."""
    return serve(lambda: prepare_infer(model, request), deadline)


def _requested(model: Model, request: InferRequest) -> tuple[RequestedOutput, ...]:
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


def _decode(tensor: InputTensor, *, text: bool) -> Tensor:
    where = f"input {tensor.name!r}"
    if tensor.raw is not None:
        return decode_binary(tensor.datatype, tensor.shape, tensor.raw, where, text=text)
    return decode_json(tensor.datatype, tensor.shape, tensor.data or [], where)


def _encoded(model: Model, output: RequestedOutput, tensor: Tensor) -> EncodedOutput:
    where = f"output {output.name!r}"
    if output.classes:
        tensor = classify(tensor, output.classes, model.config.labels.get(output.name, ()), where)
    described: dict[str, Any] = {
        "name": output.name,
        "datatype": tensor.datatype.name,
        "shape": tensor.shape,
    }
    if not output.binary:
        return EncodedOutput({**described, "data": encode_json(tensor, where)}, None)
    raw = encode_binary(tensor)
    return EncodedOutput({**described, "parameters": {"binary_data_size": len(raw)}}, raw)


def raw_request(body: bytes | memoryview, signature: Signature) -> InferRequest:
    """Makes a request of raw bytes, as Triton does: one input, at most one free dimension, binary answer.

    For a BYTES input, the body is the one element, without its length.

    Raises:
        BadRequest: There are no bytes, the model needs more than one input, or the shape does not follow
            from the bytes.
    """
    if not body:
        raise BadRequest("the body is empty; expected the bytes of a tensor")
    if len(signature.required) != 1:
        raise BadRequest(
            f"a body without JSON header needs a model with one input, not {len(signature.required)}"
        )
    spec = signature.required[0]
    if spec.datatype is BYTES:
        elements, body = 1, len(body).to_bytes(4, "little") + body
    else:
        elements = len(body) // spec.datatype.size
    tensor = InputTensor(spec.name, spec.datatype, _raw_shape(spec, elements), raw=memoryview(body))
    return InferRequest(inputs=(tensor,), binary_output=True)


def image_request(body: bytes, signature: Signature) -> InferRequest:
    """Makes a request of a body that is one image; the answer is JSON.

    Raises:
        BadRequest: The model takes no images, or something else as well.
    """
    images = [spec for spec in signature.inputs if spec.image]
    if not images:
        taken = ", ".join(repr(spec.name) for spec in signature.inputs)
        raise BadRequest(f"the model takes no image, but {taken}")
    return raw_request(body, signature)._replace(binary_output=False)


def _raw_shape(spec: TensorSpec, elements: int) -> tuple[int, ...]:
    shape = spec.shape or ()
    if shape.count(FREE) > 1:
        raise BadRequest(
            f"input {spec.name!r} has shape {list(shape)}: its sizes cannot be told from bytes alone"
        )
    fixed = math.prod(size for size in shape if size != FREE)
    free = elements // fixed if fixed else 0
    return tuple(free if size == FREE else size for size in shape)
