"""A model that another function runs: what travels between the two.

```
front: RemoteSession ── infer, raw tensors ──> inference function: OnnxSession
                     <── its answer, or error ──
```

The inference function answers requests of the protocol for the models' own tensors, in events of API
Gateway's form (`http/remote.py`): the front is a client of the protocol that calls it directly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, override

import pybase64

from triptych.clock import Deadline
from triptych.errors import (
    DeadlineExceeded,
    ModelLoading,
    ModelUnavailable,
    NotFound,
    RepositoryUnavailable,
    ServiceUnavailable,
    TooLargeToCarry,
    error_named,
)
from triptych.models.model import GraphSession
from triptych.protocol.datatypes import DATATYPES
from triptych.protocol.infer_request import HEADER_LENGTH
from triptych.protocol.json_document import dump, parse_object
from triptych.protocol.tensor_codecs import decode_binary, encode_binary
from triptych.protocol.tensors import Signature, Tensor, TensorSpec

VERSION_ROUTE = "/v2/models/{model}/versions/{version}"
INFER_ROUTE = VERSION_ROUTE + "/infer"

ERROR = "Triptych-Error"
"""Header with the class of the error that the inference function answers with."""
DEADLINE = "deadline"
"""Where an event says when its answer must be there, in milliseconds since 1970."""

MAX_EVENT = 6 * 2**20 - 16 * 2**10
"""Bytes of tensors in base64 that an event carries: Lambda's 6 MiB less what stands around them."""

_OPENING, _WAITING = 600.0, 25.0  # seconds: to open a model, and of one call that waits for it
_LONGEST = 900.0  # seconds that a function runs


class Caller(NamedTuple):
    """How the inference function is called.

    Attributes:
        call: Sends an event, and returns the result, by a deadline.
        request_id: Returns the id of what is being answered.
    """

    call: Callable[[bytes, Deadline], bytes]
    request_id: Callable[[], str | None] = str


class RemoteSession(GraphSession):
    """A model that the inference function runs.

    Args:
        caller: How it is called.
        model: Name of the model.
        version: Number of the version.

    Raises:
        ModelUnavailable: The model cannot be opened there.
        NotSupported: It uses what is not served.
        RepositoryUnavailable: The function cannot be asked now.
    """

    def __init__(self, caller: Caller, model: str, version: int) -> None:
        self._caller = caller
        self._path = {"model": model, "version": str(version)}
        described = self._described()
        self.signature: Signature = _signature(described)
        self.metadata: Mapping[str, str] = described["metadata"]
        self._quantizes: bool = described["quantizes_as_it_runs"]

    @property
    @override
    def quantizes_as_it_runs(self) -> bool:
        return self._quantizes

    @override
    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        deadline.check("waiting for the model")
        body, length = _request(inputs, outputs)
        if 4 * -(-len(body) // 3) > MAX_EVENT:
            raise TooLargeToCarry(
                f"tensors of {len(body)} bytes exceed what one call of the inference function carries "
                "(about 4.7 MB): send fewer rows at once, or deploy with Serving=Monolith"
            )
        try:
            return _outputs(*self._call("POST", INFER_ROUTE, deadline, body, length))
        except NotFound as error:
            raise ModelUnavailable(str(error)) from error

    def _described(self) -> dict[str, Any]:
        """Asks what the model is; it is loaded there first, which may take several calls."""
        until = Deadline.after(_OPENING)
        while True:
            try:
                body, _ = self._call("GET", VERSION_ROUTE, Deadline.after(min(_WAITING, until.remaining)))
                return parse_object(memoryview(body))
            except ModelLoading:
                if until.remaining < _WAITING:
                    raise
            except NotFound as error:
                raise ModelUnavailable(str(error)) from error
            except (ServiceUnavailable, DeadlineExceeded) as error:
                raise RepositoryUnavailable(str(error)) from error

    def _call(
        self, method: str, resource: str, deadline: Deadline, body: bytes = b"", length: int = 0
    ) -> tuple[bytearray, int]:
        """Makes a request of the inference function.

        Returns:
            The body of its answer, and the bytes of the JSON at its beginning.

        Raises:
            TriptychError: Whatever it answers with.
        """
        until = time.time() + min(deadline.remaining, _LONGEST)
        event = {
            "httpMethod": method,
            "resource": resource,
            "pathParameters": self._path,
            "headers": {HEADER_LENGTH: str(length)} if body else {},
            "body": pybase64.b64encode_as_string(body),
            "isBase64Encoded": True,
            "requestContext": {"requestId": self._caller.request_id(), DEADLINE: int(until * 1000)},
        }
        result = parse_object(self._caller.call(dump(event), deadline))
        headers: Mapping[str, str] = result["headers"]
        if result["statusCode"] != 200:
            raise error_named(headers[ERROR])(parse_object(result["body"].encode())["error"])
        if not result["isBase64Encoded"]:
            return bytearray(result["body"].encode()), 0
        # As arrays of a session in this process are, those in a bytearray may be written.
        answer = pybase64.b64decode_as_bytearray(result["body"])
        return answer, int(headers.get(HEADER_LENGTH, 0))


def describe(session: GraphSession) -> dict[str, Any]:
    """Describes a session for a `RemoteSession`."""
    return {
        "inputs": [_described(spec) for spec in session.signature.inputs],
        "outputs": [_described(spec) for spec in session.signature.outputs],
        "metadata": dict(session.metadata),
        "quantizes_as_it_runs": session.quantizes_as_it_runs,
    }


def _described(spec: TensorSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "datatype": spec.datatype.name,
        "shape": spec.shape,
        "labels": spec.labels,
    }


def _signature(described: Mapping[str, Any]) -> Signature:
    return Signature(tuple(map(_spec, described["inputs"])), tuple(map(_spec, described["outputs"])))


def _spec(described: Mapping[str, Any]) -> TensorSpec:
    shape = described["shape"]
    return TensorSpec(
        described["name"],
        DATATYPES[described["datatype"]],
        None if shape is None else tuple(shape),
        tuple(described["labels"]),
    )


def _request(inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> tuple[bytes, int]:
    """Writes a request for inference, and returns the bytes of its JSON header with it."""
    raw = {name: encode_binary(tensor) for name, tensor in inputs.items()}
    header = dump(
        {
            "inputs": [
                {
                    "name": name,
                    "datatype": tensor.datatype.name,
                    "shape": tensor.shape,
                    "parameters": {"binary_data_size": len(raw[name])},
                }
                for name, tensor in inputs.items()
            ],
            "outputs": [{"name": name, "parameters": {"binary_data": True}} for name in outputs],
        }
    )
    return b"".join((header, *raw.values())), len(header)


def _outputs(body: bytearray, length: int) -> dict[str, Tensor]:
    """Reads the outputs in an answer to a request for inference."""
    tail = memoryview(body)[length:]
    tensors: dict[str, Tensor] = {}
    for output in parse_object(memoryview(body)[:length])["outputs"]:
        size = output["parameters"]["binary_data_size"]
        datatype, name = DATATYPES[output["datatype"]], output["name"]
        tensors[name] = decode_binary(datatype, tuple(output["shape"]), tail[:size], f"output {name!r}")
        tail = tail[size:]
    return tensors
