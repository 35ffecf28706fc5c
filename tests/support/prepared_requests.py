"""Requests that are ready to run."""

from collections.abc import Sequence

import numpy as np
from triptych.clock import Deadline
from triptych.inference.request import Prepared
from triptych.inference.tensors import PreparedTensors
from triptych.models.model import Model
from triptych.protocol.infer_request import InferRequest, RequestedOutput
from triptych.protocol.tensors import Array, Tensor

from tests.support.tensor_strategies import bits

LATER = Deadline(float("inf"))

type Summary = dict[str, object] | tuple[str, str]
"""Results in full, or the kind and the message of a failure."""


def request_of(model: Model, outputs: Sequence[str] = (), **inputs: Array) -> PreparedTensors:
    """Makes a request that is checked but was never JSON.

    Args:
        model: What it is for.
        outputs: Names of the wanted outputs; all where there are none.
        inputs: Arrays of the model's datatypes, by name.
    """
    types = {spec.name: spec.datatype for spec in model.signature.inputs}
    tensors = {name: Tensor(types[name], values) for name, values in inputs.items()}
    model.signature.check_inputs(tensors)
    names = list(outputs) or [spec.name for spec in model.signature.outputs]
    wanted = [RequestedOutput(name) for name in names]
    rows = max(len(values) for values in inputs.values())
    return PreparedTensors(model, InferRequest(()), tensors, wanted, names, rows)


def column(*values: float) -> Array:
    """Makes an FP32 array of one row for each value, of shape [rows, 1]."""
    return np.array(values, dtype="<f4").reshape(-1, 1)


def summary(outcome: dict[str, Tensor] | Exception) -> Summary:
    """Makes an outcome comparable."""
    if isinstance(outcome, Exception):
        return type(outcome).__name__, str(outcome)
    return {name: bits(tensor) for name, tensor in outcome.items()}


def alone(request: Prepared) -> Summary:
    """Tells what comes of a request that is run by itself."""
    try:
        return summary(request.run(LATER))
    except Exception as error:  # noqa: BLE001 - what it is, is what a test compares
        return summary(error)
