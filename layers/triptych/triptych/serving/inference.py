"""Inference on tensors: a request of the protocol to an answer of the protocol."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any, NamedTuple

from triptych.interfaces.deadline import Deadline
from triptych.protocol.infer_request import InferRequest, InputTensor, RequestedOutput
from triptych.protocol.json_body import dump
from triptych.serving.model import Model
from triptych.serving.statistics import Timings
from triptych.tensors.binary_codec import decode_binary, encode_binary
from triptych.tensors.classification import classify
from triptych.tensors.json_codec import decode_json, encode_json
from triptych.tensors.tensor import Tensor


class InferAnswer(NamedTuple):
    """An answer of the protocol.

    Attributes:
        body: JSON, or a JSON header with raw tensors behind it.
        header_length: Bytes of that header; None when the body is nothing but JSON.
        rows: Size of the inputs' first dimension.
        timings: Where the time went.
    """

    body: bytes
    header_length: int | None
    rows: int
    timings: Timings


def infer(model: Model, request: InferRequest, deadline: Deadline) -> InferAnswer:
    """Runs a model on the tensors of a request.

    Raises:
        BadRequest: The tensors or the wanted outputs are not the model's.
        DeadlineExceeded: The model did not answer in time.
    """
    started = perf_counter_ns()
    outputs = _wanted(model, request)
    inputs = {tensor.name: _decode(tensor) for tensor in request.inputs}
    model.signature.check_inputs(inputs)
    decoded = perf_counter_ns()
    results = model.run(inputs, [output.name for output in outputs], deadline)
    ran = perf_counter_ns()
    body, header_length = _answer(model, request, outputs, results)
    timings = Timings(decoded - started, ran - decoded, perf_counter_ns() - ran)
    return InferAnswer(body, header_length, _rows(inputs), timings)


def _wanted(model: Model, request: InferRequest) -> tuple[RequestedOutput, ...]:
    if not request.outputs:
        return tuple(RequestedOutput(spec.name, request.binary_output) for spec in model.signature.outputs)
    for output in request.outputs:
        model.signature.output_named(output.name)
    return request.outputs


def _decode(tensor: InputTensor) -> Tensor:
    where = f"input {tensor.name!r}"
    if tensor.raw is not None:
        return decode_binary(tensor.datatype, tensor.shape, tensor.raw, where)
    return decode_json(tensor.datatype, tensor.shape, tensor.data or [], where)


def _answer(
    model: Model, request: InferRequest, outputs: tuple[RequestedOutput, ...], results: dict[str, Tensor]
) -> tuple[bytes, int | None]:
    described: list[dict[str, Any]] = []
    raw: list[bytes] = []
    for output in outputs:
        description = _describe(model, output, results[output.name], raw)
        described.append(description)
    message: dict[str, Any] = {"model_name": model.name, "model_version": str(model.version)}
    if request.id is not None:
        message["id"] = request.id
    header = dump({**message, "outputs": described})
    if not raw:
        return header, None
    return b"".join((header, *raw)), len(header)


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


def _rows(inputs: dict[str, Tensor]) -> int:
    return max((tensor.shape[0] for tensor in inputs.values() if tensor.shape), default=1)
