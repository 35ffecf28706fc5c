"""Inference requests and answers, written and read without the code under test."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from triptych.protocol.datatypes import DATATYPES
from triptych.protocol.tensors import Array, Tensor

from tests.support.json_values import flat_json, nested_json
from tests.support.realtime import Answer

HEADER_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True, slots=True)
class Input:
    """A tensor and how it travels.

    Attributes:
        name: Name of the input.
        tensor: The tensor.
        binary: Whether it travels as bytes.
        nested: Whether its JSON is nested.
    """

    name: str
    tensor: Tensor
    binary: bool = False
    nested: bool = False

    def described(self) -> dict[str, Any]:
        """Returns its entry in a request, with the values if they travel as JSON."""
        values = self.tensor.values
        entry = {"name": self.name, "datatype": self.tensor.datatype.name, "shape": values.shape}
        if self.binary:
            return {**entry, "parameters": {"binary_data_size": len(raw(self.tensor))}}
        return {**entry, "data": nested_json(values) if self.nested else flat_json(values)}


def request(inputs: Iterable[Input], **more: object) -> tuple[bytes, int]:
    """Writes a request.

    Args:
        inputs: The inputs.
        **more: Further fields, such as `outputs`.

    Returns:
        The body, and the length of its JSON.
    """
    sent = list(inputs)
    header = json.dumps({"inputs": [item.described() for item in sent], **more}).encode()
    return header + b"".join(raw(item.tensor) for item in sent if item.binary), len(header)


def raw(tensor: Tensor) -> bytes:
    """Returns the bytes of a tensor."""
    if tensor.datatype.kind != "bytes":
        return tensor.values.tobytes()
    elements = [text.encode() for text in tensor.values.reshape(-1).tolist()]
    return b"".join(len(element).to_bytes(4, "little") + element for element in elements)


def outputs_of(answer: Answer) -> dict[str, Tensor]:
    """Reads the outputs of an answer, which must be all that is in it."""
    length = int(answer.headers.get(HEADER_LENGTH, len(answer.body)))
    tail = answer.body[length:]
    outputs: dict[str, Tensor] = {}
    for output in json.loads(answer.body[:length])["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size", 0)
        values = _from_json(output) if "data" in output else _from_bytes(output["datatype"], tail[:size])
        outputs[output["name"]] = Tensor(DATATYPES[output["datatype"]], values.reshape(output["shape"]))
        tail = tail[size:]
    assert b"" == tail
    return outputs


def _from_json(output: dict[str, Any]) -> Array:
    data = output["data"]
    if output["datatype"] == "BYTES":
        assert all(isinstance(text, str) for text in data)
    return np.array(data, dtype=DATATYPES[output["datatype"]].storage)


def _from_bytes(datatype: str, content: bytes) -> Array:
    if datatype != "BYTES":
        return np.frombuffer(content, dtype=DATATYPES[datatype].storage)
    texts = []
    while content:
        end = 4 + int.from_bytes(content[:4], "little")
        texts.append(content[4:end].decode())
        content = content[end:]
    return np.array(texts, dtype=object)
