"""Models that are Python functions of arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from triptych.clock import Deadline
from triptych.models.config import ModelConfig
from triptych.models.model import Model, ModelSession
from triptych.protocol.datatypes import FP32
from triptych.protocol.tensors import Array, Signature, Tensor, TensorSpec

type Function = Callable[[dict[str, Array]], Mapping[str, Any]]


@dataclass(eq=False)
class FunctionSession(ModelSession):
    """A model that is a Python function of arrays.

    Attributes:
        signature: What it takes and gives.
        function: Makes the outputs.
        runs: How many rows each run had.
    """

    signature: Signature
    function: Function
    runs: list[int]

    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        """Runs the function once."""
        deadline.check("running the function")
        arrays = {name: tensor.values for name, tensor in inputs.items()}
        self.runs.append(max(len(array) for array in arrays.values()))
        results = self.function(arrays)
        types = {spec.name: spec.datatype for spec in self.signature.outputs}
        return {name: Tensor(types[name], np.asarray(results[name], types[name].storage)) for name in outputs}


def model_of(
    function: Function,
    inputs: Mapping[str, tuple[int, ...] | None],
    outputs: Mapping[str, tuple[int, ...] | None],
    config: ModelConfig | None = None,
) -> tuple[Model, list[int]]:
    """Makes a model of FP32 tensors, and the list of its runs."""
    runs: list[int] = []
    signature = Signature(
        tuple(TensorSpec(name, FP32, shape) for name, shape in inputs.items()),
        tuple(TensorSpec(name, FP32, shape) for name, shape in outputs.items()),
    )
    session = FunctionSession(signature, function, runs)
    return Model("doubler", 3, config or ModelConfig(), session), runs
