"""The inference request: JSON alone, or a JSON header with raw tensors behind it.

```
body ── header ──> InferRequest
  └──── tail ────> InputTensor.raw, one slice after the other
```
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from triptych.errors import BadRequest, NotSupported
from triptych.protocol import json_document as fields
from triptych.protocol.datatypes import Datatype, datatype_named
from triptych.protocol.json_document import json_type, parse_object

HEADER_LENGTH = "Inference-Header-Content-Length"
"""Header with the number of bytes of the JSON before raw tensors."""

MAX_RANK = 32
"""Dimensions of a tensor; ONNX Runtime and NumPy take 64, models use up to 8."""


class InputTensor(NamedTuple):
    """An input as it arrived, not yet an array.

    Attributes:
        data: Values as JSON, flat or nested, row-major; None when they are raw.
        raw: Values as bytes; None when they are JSON.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    data: list[Any] | None = None
    raw: memoryview | None = None


class RequestedOutput(NamedTuple):
    """An output that the caller asks for, as bytes if `binary`.

    With classes, the answer holds that many best classes instead of the values.
    """

    name: str
    binary: bool = False
    classes: int = 0


class InferRequest(NamedTuple):
    """What the caller asks for.

    Attributes:
        outputs: The requested outputs; empty for all of them.
        binary_output: Whether outputs travel as bytes when none are named.
        id: Comes back in the answer.
    """

    inputs: tuple[InputTensor, ...]
    outputs: tuple[RequestedOutput, ...] = ()
    binary_output: bool = False
    id: str | None = None


def parse_infer_request(body: bytes | memoryview, header_length: int | None) -> InferRequest:
    """Reads an inference request from a decompressed body.

    `header_length` is the bytes of the JSON at its beginning; None when the body is nothing but JSON.

    Raises:
        BadRequest: It is not a request of the protocol.
        NotSupported: It asks for shared memory.
    """
    view = memoryview(body)
    tail = view[len(view) :] if header_length is None else view[header_length:]
    message = parse_object(view if header_length is None else view[:header_length])
    where = "the request"
    parameters = fields.parameters(message, where)
    binary_output = fields.flag(parameters, "binary_data_output", where) or False
    return InferRequest(
        inputs=_inputs(fields.objects(message, "inputs"), tail),
        outputs=_outputs(fields.objects(message, "outputs"), binary_output),
        binary_output=binary_output,
        id=fields.optional_string(message, "id"),
    )


def _inputs(items: list[dict[str, Any]], tail: memoryview) -> tuple[InputTensor, ...]:
    inputs: list[InputTensor] = []
    position = 0
    for item in items:
        tensor, position = _input(item, tail, position)
        inputs.append(tensor)
    if position != len(tail):
        raise BadRequest(
            f"the inputs' binary_data_size add up to {position}, but {len(tail)} bytes follow the JSON header"
        )
    _refuse_repeated("input", "given", [tensor.name for tensor in inputs])
    return tuple(inputs)


def _input(item: dict[str, Any], tail: memoryview, position: int) -> tuple[InputTensor, int]:
    name = fields.required_string(item, "name", "an input")
    where = f"input {name!r}"
    parameters = fields.parameters(item, where)
    _refuse_shared_memory(parameters, where)
    datatype = datatype_named(item.get("datatype"), where)
    shape = _shape(item.get("shape"), where)
    size = fields.count(parameters, "binary_data_size", where)
    data = item.get("data")
    if size is None:
        if not isinstance(data, list):
            raise BadRequest(f"{where}: 'data' must be an array, got {json_type(data)}")
        return InputTensor(name, datatype, shape, data=data), position
    if data is not None:
        raise BadRequest(f"{where}: has both 'data' and 'binary_data_size'; send one of them")
    if position + size > len(tail):
        raise BadRequest(
            f"{where}: binary_data_size is {size}, but only {len(tail) - position} bytes are left"
        )
    return InputTensor(name, datatype, shape, raw=tail[position : position + size]), position + size


def _shape(value: object, where: str) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise BadRequest(f"{where}: 'shape' must be an array of sizes, got {json_type(value)}")
    if len(value) > MAX_RANK:
        raise BadRequest(f"{where}: 'shape' must hold at most {MAX_RANK} sizes, got {len(value)}")
    for size in value:
        if type(size) is not int or not 0 <= size < 2**31:
            raise BadRequest(f"{where}: 'shape' must hold whole numbers from 0, got {value!r}")
    return tuple(value)


def _outputs(items: list[dict[str, Any]], binary_output: bool) -> tuple[RequestedOutput, ...]:  # noqa: FBT001 - a field of the protocol
    outputs = tuple(_output(item, binary_output) for item in items)
    _refuse_repeated("output", "asked for", [output.name for output in outputs])
    return outputs


def _output(item: dict[str, Any], binary_output: bool) -> RequestedOutput:  # noqa: FBT001 - a field of the protocol
    name = fields.required_string(item, "name", "an output")
    where = f"output {name!r}"
    parameters = fields.parameters(item, where)
    _refuse_shared_memory(parameters, where)
    binary = fields.flag(parameters, "binary_data", where)
    classes = fields.count(parameters, "classification", where) or 0
    return RequestedOutput(name, binary_output if binary is None else binary, classes)


def _refuse_repeated(role: str, done: str, names: list[str]) -> None:
    if len(set(names)) < len(names):
        ((name, times),) = Counter(names).most_common(1)
        raise BadRequest(f"{role} {name!r} is {done} {times} times")


def _refuse_shared_memory(parameters: fields.Parameters, where: str) -> None:
    if "shared_memory_region" in parameters:
        raise NotSupported(f"{where}: shared memory is not supported; send the tensor in the request")
