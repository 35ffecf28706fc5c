"""A model version that is open and can be run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from triptych.clock import Deadline
from triptych.errors import PayloadTooLarge
from triptych.models.config import ModelConfig, SessionSettings, check_width
from triptych.protocol.datatypes import BYTES, Datatype
from triptych.protocol.tensors import Signature, Tensor


class ModelSession(Protocol):
    """An open model, or what stands in front of one: a session around another, with a signature of its own.

    Attributes:
        signature: Inputs and outputs of the model.
    """

    signature: Signature

    @property
    def raw(self) -> ModelSession:
        """The session of the model's own tensors; itself where nothing stands in front."""
        return self

    @property
    def is_independent(self) -> bool:
        """Whether it is known that rows never interact: those of several requests may run as one then."""
        return False

    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        """Runs the model once.

        Args:
            inputs: A tensor for every input but for absent optional ones, checked against the signature.
            outputs: Names of the requested outputs, in this order.
            deadline: When the run must have ended.

        Returns:
            The requested outputs by name.

        Raises:
            BadRequest: The model refuses these values.
            DeadlineExceeded: The run was stopped because its time was up.
            ModelUnavailable: The model had to be opened again, and cannot be.
            PayloadTooLarge: The run needs more memory than there is.
        """
        ...


class GraphSession(ModelSession, Protocol):
    """The session of the graph itself, in this function or in another.

    Attributes:
        metadata: What its exporter wrote into the file, by name.
    """

    metadata: Mapping[str, str]

    @property
    def quantizes_as_it_runs(self) -> bool:
        """Whether the graph finds the scale of its integers from the values of each run."""
        ...


class VersionFiles(NamedTuple):
    """The files of a version that is to be opened.

    Attributes:
        model: Name of the model.
        version: Number of the version.
        directory: Holds its graph, and what was exported beside it.
        code: The `model.py` that runs before and after the model, if there is one.
    """

    model: str
    version: int
    directory: Path
    code: Path | None = None


type OpenSession = Callable[[VersionFiles, ModelConfig, SessionSettings], ModelSession]
"""Opens a version: its graph, and what its other files and `model.toml` put in front."""


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
    """

    name: str
    version: int
    config: ModelConfig
    session: ModelSession

    @property
    def signature(self) -> Signature:
        """Inputs and outputs of the model."""
        return self.session.signature

    @property
    def raw(self) -> Model:
        """The same model with its own tensors, without what stands in front; itself where nothing does."""
        session = self.session.raw
        if session is self.session:
            return self
        labels = {spec.name: spec.labels for spec in session.signature.outputs if spec.labels}
        return self._replace(config=self.config.raw._replace(labels=labels), session=session)

    @property
    def group(self) -> bool | None:
        """Whether requests may run as one: as `model.toml` or the session say; None to find out."""
        return True if self.config.group is None and self.session.is_independent else self.config.group

    def taking(self, names: Iterable[str]) -> Model:
        """Returns the model whose inputs have these names: `raw` where all are its own, and none is here."""
        if self.session.raw is self.session:
            return self
        given, own = set(names), {spec.name for spec in self.session.raw.signature.inputs}
        here = {spec.name for spec in self.signature.inputs}
        return self.raw if given and given <= own - here else self

    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        """Runs the model once, as its session does.

        Raises:
            ModelUnavailable: An output has another number of entries than labels.
            PayloadTooLarge: It returns more values than can be written into one answer.
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
    """Returns what so many values of a datatype count for beside `MAX_OUTPUT`."""
    return values * (_STRING if datatype is BYTES else 1)
