"""The ONNX project's own cases for its operators: a model, inputs, and the outputs that they should give."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase
from onnx.numpy_helper import to_array
from triptych.protocol.tensors import Array

CARRIED = {
    f"tensor({element})"
    for element in (
        "bool",
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
        *("float16", "bfloat16", "float", "double", "string"),
    )
}
"""ONNX types that have a datatype in the protocol."""


@dataclass(frozen=True, slots=True)
class OperatorCase:
    """One case.

    Attributes:
        name: Name of the case; can be a model's.
        model: The model.
        rtol: Relative tolerance that the case allows.
        atol: Absolute tolerance that the case allows.
        datasets: Inputs and reference outputs, in the order of the graph.
    """

    name: str
    model: onnx.ModelProto
    rtol: float
    atol: float
    datasets: tuple[tuple[tuple[Any, ...], tuple[Any, ...]], ...]

    def arrays(self) -> Iterator[tuple[dict[str, Array], dict[str, Array]]]:
        """Returns inputs and reference outputs by name; for models that hold tensors only."""
        for inputs, outputs in self.datasets:
            yield _named(self.model.graph.input, inputs), _named(self.model.graph.output, outputs)


def operator_cases() -> tuple[OperatorCase, ...]:
    """Makes all cases; takes about ten seconds, because their data are computed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the references divide by zero on purpose
        return tuple(map(_case, collect_testcases(None)))


def expected_status(model: onnx.ModelProto) -> int:
    """Returns what a request about a model should be answered, from what ONNX Runtime alone says of it.

    Returns:
        503 where ONNX Runtime cannot open it, 501 where the protocol cannot carry a type, else 200.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception:  # noqa: BLE001 - its exceptions have no other class in common
        return 503
    types = {argument.type for argument in (*session.get_inputs(), *session.get_outputs())}
    return 200 if types <= CARRIED else 501


def _case(case: TestCase) -> OperatorCase:
    assert case.model is not None
    assert case.data_sets is not None
    datasets = tuple((tuple(inputs), tuple(outputs)) for inputs, outputs in case.data_sets)
    return OperatorCase(case.name, case.model, case.rtol, case.atol, datasets)


def _named(arguments: Iterable[onnx.ValueInfoProto], values: tuple[Any, ...]) -> dict[str, Array]:
    return {
        argument.name: to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)
        for argument, value in zip(arguments, values, strict=True)
    }
