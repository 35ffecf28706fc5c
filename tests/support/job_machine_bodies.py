"""Inputs of jobs, and what real time answers to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pybase64

from tests.support.realtime import Answer, Call, RealtimeFunction

DEADLY = 666.0
"""A value that ends the process that runs it, while it is deadly."""

_LENGTH = "Inference-Header-Content-Length"


class Body(NamedTuple):
    """An input.

    Attributes:
        name: What is special about it.
        model: Name of its model.
        content: Its bytes.
        content_type: What they are; None for tensors.
        header_length: Bytes of the JSON before raw tensors.
        join: Columns that come back.
        taken: Whether a job can be made of it.
    """

    name: str
    model: str
    content: bytes
    content_type: str | None = None
    header_length: int | None = None
    join: str | None = None
    taken: bool = True

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def headers(self) -> dict[str, str]:
        """Headers of a request."""
        length = None if self.header_length is None else str(self.header_length)
        return _present({"Content-Type": self.content_type, _LENGTH: length})

    @property
    def query(self) -> dict[str, str]:
        """Query of a request."""
        return _present({"join": self.join})

    def message(self) -> dict[str, Any]:
        """Writes it as a producer who does not use HTTP."""
        envelope = {
            "model": self.model,
            "body_base64": pybase64.b64encode_as_string(self.content),
            "content_type": self.content_type,
            "header_length": self.header_length,
            "join": self.join,
        }
        return {name: value for name, value in envelope.items() if value is not None}

    def reference(self, key: str) -> dict[str, Any]:
        """Writes a request for a job whose input is this one, uploaded."""
        length = self.header_length
        described = {
            "input": key,
            "content_type": self.content_type,
            "inference_header_content_length": length,
        }
        return {name: value for name, value in described.items() if value is not None}

    def answer(self, function: RealtimeFunction) -> Answer:
        """Returns what real time answers."""
        rows = self.content_type == "text/csv" or b"instances" in self.content
        resource = "/v2/models/{model}/" + ("predict" if rows else "infer")
        call = Call("POST", resource, {"model": self.model}, self.headers, self.query, self.content)
        return function.handle(call.event())


def bodies() -> list[Body]:
    """Makes inputs of every kind."""
    return [
        *(Body(f"JSON {value}", "adder", _sums(value)) for value in (1.0, 2.0, 3.0)),
        _binary("binary", 3),
        Body("CSV", "lookup", b"index\n2\n0\n", "text/csv", join="all"),
        Body("rows in JSON", "lookup", b'{"instances": [{"index": 1}]}', "application/json"),
        _binary("large", 40_000),
        Body("no such value", "lookup", b"index\n7\n", "text/csv"),
        Body("no such output", "adder", _sums(1.0, "nothing")),
        Body("no such input", "adder", b'{"inputs": []}'),
        Body("no JSON", "adder", b"{", taken=False),
        Body("deadly", "adder", _sums(DEADLY)),
    ]


def same(answer: Answer, content: bytes, content_type: str, header_length: int | None) -> bool:
    """Returns whether a result is what real time answers, numbers within float tolerance."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    length = headers.get(_LENGTH.lower())
    if (content_type, header_length) != (headers["content-type"], None if length is None else int(length)):
        return False
    if header_length is not None:
        expected, found = (np.frombuffer(text[header_length:], "<f4") for text in (answer.body, content))
        return expected.shape == found.shape and np.allclose(expected, found)
    if content_type.startswith("application/json"):
        return _close(json.loads(answer.body), json.loads(content))
    return answer.body == content


def _close(expected: Any, found: Any) -> bool:  # noqa: ANN401 - JSON
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(
            _close(expected[name], found[name]) for name in expected
        )
    if isinstance(expected, list) and isinstance(found, list):
        pairs = zip(expected, found, strict=False)
        return len(expected) == len(found) and all(_close(*pair) for pair in pairs)
    if isinstance(expected, float) and isinstance(found, float):
        return bool(np.isclose(expected, found))
    return bool(expected == found)


def _sums(value: float, output: str | None = None) -> bytes:
    tensors = [
        {"name": name, "datatype": "FP32", "shape": [1, 2], "data": [value, value / 3]} for name in ("a", "b")
    ]
    wanted = {} if output is None else {"outputs": [{"name": output}]}
    return json.dumps({"inputs": tensors, **wanted}).encode()


def _binary(name: str, rows: int) -> Body:
    raw = (np.arange(rows, dtype="<i8") % 3).tobytes()
    tensor = {
        "name": "index",
        "datatype": "INT64",
        "shape": [rows],
        "parameters": {"binary_data_size": len(raw)},
    }
    header = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return Body(name, "lookup", header + raw, "application/octet-stream", len(header))


def _present(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}
