"""A model version that is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from triptych.errors import PayloadTooLarge
from triptych.interfaces.deadline import Deadline
from triptych.interfaces.session import ModelSession
from triptych.protocol.datatypes import BYTES, Datatype
from triptych.serving.config_check import check_width
from triptych.serving.model_config import ModelConfig
from triptych.tensors.signature import Signature
from triptych.tensors.tensor import Tensor

MAX_OUTPUT = 2**23
"""Values that are written into one answer: more hardly ever fit one, and orjson ends
the process where it gets no memory to write them."""

_STRING = 8
"""Values that a string counts for: orjson sets about 200 bytes aside for each that it writes."""


class Model(NamedTuple):
    """One open version of a model.

    Attributes:
        name: Name of the model.
        version: Number of the version.
        config: What its `model.toml` says.
        session: Runs it.
        load_milliseconds: Time that fetching and opening it took.
    """

    name: str
    version: int
    config: ModelConfig
    session: ModelSession
    load_milliseconds: float

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        return self.session.signature

    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        """Runs the model once, as its session does.

        Raises:
            ModelUnavailable: An output has another number of entries than labels.
            PayloadTooLarge: It gives more values than can be written into one answer.
        """
        results = self.session.run(inputs, outputs, deadline)
        for output, labels in self.config.labels.items():
            if output in results:
                check_width(output, results[output].shape, labels)
        values = sum(weight(tensor.datatype, tensor.values.size) for tensor in results.values())
        if values > MAX_OUTPUT:
            raise PayloadTooLarge(
                f"the model gives {values} values (a string counts for {_STRING}), "
                f"more than the {MAX_OUTPUT} that one answer takes: "
                "ask for fewer outputs or rows"
            )
        return results


def weight(datatype: Datatype, values: int) -> int:
    """Tells what so many values of a datatype count for beside `MAX_OUTPUT`."""
    return values * (_STRING if datatype is BYTES else 1)
