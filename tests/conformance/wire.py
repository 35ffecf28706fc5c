"""Inference as a client does it: in binary by Triton's own client library, in JSON by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
from triptych.protocol.tensors import Array
from tritonclient.http import InferenceServerClient, InferInput, InferResult
from tritonclient.utils import np_to_triton_dtype

from tests.support.infer_messages import HEADER_LENGTH
from tests.support.json_values import flat_json
from tests.support.realtime import Answer, RealtimeFunction

_INFER = "/v2/models/{model}/infer"


def infer_in_binary(function: RealtimeFunction, model: str, inputs: Mapping[str, Array]) -> Answer:
    """Sends inputs as raw bytes, and asks for raw bytes."""
    tensors = [_binary_input(name, values) for name, values in inputs.items()]
    body, header_length = InferenceServerClient.generate_request_body(tensors)
    headers = {} if header_length is None else {HEADER_LENGTH: str(header_length)}
    return function.post(_INFER, body, headers, model=model)


def infer_in_json(function: RealtimeFunction, model: str, inputs: Mapping[str, Array]) -> Answer:
    """Sends inputs as JSON, and asks for JSON."""
    tensors = [
        {"name": name, "datatype": datatype(values), "shape": values.shape, "data": flat_json(values)}
        for name, values in inputs.items()
    ]
    return function.post(_INFER, json.dumps({"inputs": tensors}, allow_nan=False).encode(), model=model)


def outputs_of(answer: Answer) -> dict[str, Array]:
    """Reads the outputs of an answer, in whichever form they are."""
    header_length = answer.headers.get(HEADER_LENGTH)
    result = InferenceServerClient.parse_response_body(
        answer.body, header_length=None if header_length is None else int(header_length)
    )
    return {output["name"]: _output(result, output["name"]) for output in result.get_response()["outputs"]}


def datatype(values: Array) -> str:
    """Names the protocol's datatype of an array."""
    return str(np_to_triton_dtype(values.dtype))


def _binary_input(name: str, values: Array) -> InferInput:
    return InferInput(name, list(values.shape), datatype(values)).set_data_from_numpy(values)


def _output(result: InferResult, name: str) -> Array:
    values: Array = result.as_numpy(name)
    if values.dtype != np.object_:
        return values
    # The client gives strings as bytes when they came in binary.
    texts = [value.decode() if isinstance(value, bytes) else value for value in values.reshape(-1)]
    return np.array(texts, dtype=object).reshape(values.shape)
