"""A task in front of a model: a second signature, and how one becomes the other."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import override

from triptych.clock import Deadline
from triptych.errors import BadRequest
from triptych.models.model import ModelSession
from triptych.protocol.datatypes import BYTES, FP32
from triptych.protocol.tensors import FREE, Array, Signature, Tensor, TensorSpec, empty_output

TEXT = TensorSpec("text", BYTES, (FREE,))
SCORE = TensorSpec("score", FP32, (FREE,))


class TaskSession(ModelSession):
    """Runs a task; its rows never interact.

    Args:
        model: The model itself.
        signature: Inputs and outputs of the task.

    Attributes:
        signature: As given.
    """

    def __init__(self, model: ModelSession, signature: Signature) -> None:
        self.signature: Signature = signature
        self._model = model

    @property
    @override
    def raw(self) -> ModelSession:
        return self._model.raw

    @property
    @override
    def is_independent(self) -> bool:
        return True

    @override
    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        columns = {name: tensor.values for name, tensor in inputs.items()}
        sizes = {name: len(values) for name, values in columns.items()}
        if len(set(sizes.values())) != 1:
            raise BadRequest(f"inputs of a task have one element for each row, and these differ: {sizes}")
        specs = {spec.name: spec for spec in self.signature.outputs}
        if not any(sizes.values()):
            return {name: empty_output(specs[name], specs[name].labels) for name in outputs}
        results = self.answers(columns, deadline)
        return {name: Tensor(specs[name].datatype, results[name]) for name in outputs}

    @abstractmethod
    def answers(self, inputs: Mapping[str, Array], deadline: Deadline) -> dict[str, Array]:
        """Answers for at least one row.

        Args:
            inputs: An array of shape `[rows]` for every input that came.
            deadline: When it must have ended.

        Returns:
            Every output of the task, of shape `[rows, ...]`.

        Raises:
            TriptychError: As `ModelSession.run`.
        """
        ...
