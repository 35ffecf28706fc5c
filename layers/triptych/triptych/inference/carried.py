"""A model that another function runs, for tensors of any size: what one call cannot carry is cut by rows.

As files are, tensors are cut only where the first slices show that rows do not depend on each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, override

from triptych.clock import Deadline
from triptych.errors import PayloadTooLarge, TooLargeToCarry
from triptych.inference.merging import input_bytes
from triptych.inference.slices import Budget, Results, RowsDepend, Sizes, Slices
from triptych.inference.tensors import PreparedTensors
from triptych.models.model import GraphSession, Model
from triptych.protocol.infer_request import InferRequest
from triptych.protocol.tensors import Signature, Tensor, stacked

_SIZES = Sizes(first=512 * 2**10)
"""Each slice is a call, so they are large from the first; two of the largest are still one call."""


class CarriedSession(GraphSession):
    """Runs a model by calls, each of which carries what it can; its session makes one call for each run."""

    def __init__(self, model: Model, session: GraphSession) -> None:
        self.signature: Signature = session.signature
        self.metadata: Mapping[str, str] = session.metadata
        self._model = model._replace(session=session)
        self._session = session

    @property
    @override
    def quantizes_as_it_runs(self) -> bool:
        return self._session.quantizes_as_it_runs

    @override
    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        try:
            return self._session.run(inputs, outputs, deadline)
        except TooLargeToCarry as error:
            if not self._has_rows(inputs, outputs):
                raise _uncut("its tensors have no rows") from error
        try:
            return self._sliced(inputs, outputs, deadline)
        except RowsDepend:
            raise _uncut("its rows depend on each other") from None

    def _has_rows(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> bool:
        """Whether all these tensors have a row for each of the others, as far as the signature says."""
        specs = [spec for spec in self.signature.inputs if spec.name in inputs]
        specs += [spec for spec in self.signature.outputs if spec.name in outputs]
        return (
            self._model.config.group is not False
            and all(spec.rows_are_free for spec in specs)
            and len({tensor.shape[0] for tensor in inputs.values()}) == 1
        )

    def _sliced(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        rows = next(iter(inputs.values())).shape[0]
        row_bytes = sum(map(input_bytes, inputs.values())) // rows
        budget = Budget(deadline, lambda: deadline.check("waiting for the model"), _SIZES)
        parts: list[Results] = []
        for part, results in Slices(self._model, budget).run(
            _Rows(self._model, inputs, outputs), rows, row_bytes
        ):
            if any(tensor.shape[:1] != (part.rows,) for tensor in results.values()):
                raise RowsDepend
            parts.append(results)
        return {name: stacked([part[name] for part in parts]) for name in parts[0]}


class _Rows(NamedTuple):
    """Tensors of which some rows can be taken."""

    model: Model
    inputs: Mapping[str, Tensor]
    outputs: Sequence[str]

    def slice(self, start: int, stop: int) -> PreparedTensors:
        """Makes the request for these rows."""
        inputs = {name: tensor.slice(start, stop) for name, tensor in self.inputs.items()}
        return PreparedTensors(self.model, InferRequest(()), inputs, (), self.outputs, stop - start)


def _uncut(why: str) -> PayloadTooLarge:
    return PayloadTooLarge(
        "inputs or outputs of this model exceed what one call of the inference function carries (4.7 MB), "
        f"and {why}: send less at once, ask for fewer outputs, or deploy with Serving=Monolith"
    )
