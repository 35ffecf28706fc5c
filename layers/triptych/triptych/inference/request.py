"""The one shape of every request for inference: prepare, run, answer.

```
request ── prepare ──> Prepared ── run ──> results ── answer ──> Answer
```

Real time takes one request all the way; jobs prepare many, run them together and answer each.

Inference on tensors: a request of the protocol to an answer of the protocol.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns
from typing import Any, NamedTuple, Protocol

from triptych.clock import Deadline
from triptych.errors import BadRequest, PayloadTooLarge
from triptych.models.model import Model
from triptych.models.statistics import Timings
from triptych.protocol.datatypes import BYTES
from triptych.protocol.infer_request import InferRequest, InputTensor, RequestedOutput
from triptych.protocol.json_document import dump
from triptych.protocol.media_types import BINARY, JSON
from triptych.protocol.tensor_codecs import classify, decode_binary, decode_json, encode_binary, encode_json
from triptych.protocol.tensors import FREE, Signature, Tensor, TensorSpec


class Answer(NamedTuple):
    """What the caller gets.

    Attributes:
        body: JSON, a JSON header with raw tensors behind it, or rows.
        content_type: What it is.
        header_length: Bytes of the JSON header; None when there are no raw tensors.
        filled: How many missing cells of the rows took the value for missing cells; 0 for tensors.
    """

    body: bytes
    content_type: str
    header_length: int | None = None
    filled: int = 0


class Prepared(Protocol):
    """A request that is decoded and checked, and can be run."""

    @property
    def inputs(self) -> Mapping[str, Tensor]:
        """A tensor for every input of the model; of shape `[rows, ...]` where the model takes rows."""
        ...

    @property
    def outputs(self) -> Sequence[str]:
        """Names of the wanted outputs, in the order wanted."""
        ...

    @property
    def rows(self) -> int:
        """How many rows there are: the size of the inputs' first dimension."""
        ...

    @property
    def is_one_run(self) -> bool:
        """Whether `run` is one run of the model on `inputs`, so that another run may do for it."""
        ...

    def run(self, deadline: Deadline) -> dict[str, Tensor]:
        """Runs the request by itself.

        Returns:
            The wanted outputs by name.

        Raises:
            BadRequest: The model refuses these values, or gives what the answer cannot hold.
            DeadlineExceeded: The model did not answer in time.
            ModelUnavailable: The model had to be opened again, and cannot be.
            PayloadTooLarge: The run needs more memory than there is, or gives more than an answer takes.
        """
        ...

    def answer(self, results: Mapping[str, Tensor]) -> Answer:
        """Writes the answer.

        Args:
            results: The wanted outputs by name, from whatever run.

        Raises:
            BadRequest: What is asked for cannot be made of these results.
        """
        ...


class Served(NamedTuple):
    """A request that has been answered.

    Attributes:
        body: As in `Answer`.
        content_type: As in `Answer`.
        header_length: As in `Answer`.
        filled: As in `Answer`.
        rows: How many rows were predicted for.
        timings: Where the time went.
    """

    body: bytes
    content_type: str
    header_length: int | None
    filled: int
    rows: int
    timings: Timings


def serve(prepare: Callable[[], Prepared], deadline: Deadline) -> Served:
    """Prepares, runs and answers one request by itself.

    Raises:
        TriptychError: Whatever preparing, running and answering raise.
    """
    started = perf_counter_ns()
    prepared = prepare()
    decoded = perf_counter_ns()
    results = prepared.run(deadline)
    ran = perf_counter_ns()
    answer = prepared.answer(results)
    timings = Timings(decoded - started, ran - decoded, perf_counter_ns() - ran)
    return Served(*answer, prepared.rows, timings)


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
    return serve(lambda: prepare_infer(model, request), deadline)


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


def raw_request(body: bytes | memoryview, signature: Signature) -> InferRequest:
    """Makes a request of raw bytes, as Triton does: one input, at most one free dimension, binary answer.

    Args:
        body: The whole body. For a BYTES input it is the one element, without its length.
        signature: The model's inputs.

    Raises:
        BadRequest: There are no bytes, the model takes more than one input, or the shape cannot be told
            from the bytes.
    """
    if not body:
        raise BadRequest("the body is empty; expected the bytes of a tensor")
    if len(signature.inputs) != 1:
        raise BadRequest(
            f"a body without JSON header needs a model with one input, not {len(signature.inputs)}"
        )
    spec = signature.inputs[0]
    tensor = _text(spec, body) if spec.datatype is BYTES else _numbers(spec, body)
    return InferRequest(inputs=(tensor,), binary_output=True)


def _text(spec: TensorSpec, body: bytes | memoryview) -> InputTensor:
    element = len(body).to_bytes(4, "little") + body
    return InputTensor(spec.name, spec.datatype, _raw_shape(spec, 1), raw=memoryview(element))


def _numbers(spec: TensorSpec, body: bytes | memoryview) -> InputTensor:
    elements = len(body) // spec.datatype.size
    return InputTensor(spec.name, spec.datatype, _raw_shape(spec, elements), raw=memoryview(body))


def _raw_shape(spec: TensorSpec, elements: int) -> tuple[int, ...]:
    shape = spec.shape or ()
    if shape.count(FREE) > 1:
        raise BadRequest(
            f"input {spec.name!r} has shape {list(shape)}: its sizes cannot be told from bytes alone"
        )
    fixed = math.prod(size for size in shape if size != FREE)
    free = elements // fixed if fixed else 0
    return tuple(free if size == FREE else size for size in shape)
