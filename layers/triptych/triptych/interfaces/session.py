"""A model that is open and can be run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from triptych.interfaces.deadline import Deadline
from triptych.interfaces.settings import SessionSettings
from triptych.tensors.signature import Signature
from triptych.tensors.tensor import Tensor


class ModelSession(Protocol):
    """An open model."""

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        ...

    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        """Runs the model once.

        Args:
            inputs: A tensor for every input, already checked against the signature.
            outputs: Names of the outputs that are wanted, in the order wanted.
            deadline: When the run must have ended.

        Returns:
            The wanted outputs by name.

        Raises:
            BadRequest: The model refuses these values.
            DeadlineExceeded: The run was stopped because its time was up.
            ModelUnavailable: The model had to be opened again, and cannot be.
            PayloadTooLarge: The run needs more memory than there is.
        """
        ...


class SessionFactory(Protocol):
    """Opens models."""

    def __call__(self, model: Path, settings: SessionSettings) -> ModelSession:
        """Opens the model in a file.

        Args:
            model: The `.onnx` file; external weights lie beside it.
            settings: How it is to be run.

        Raises:
            NotSupported: The model uses types that the protocol cannot carry.
            ModelUnavailable: The file is not a model that can be run.
        """
        ...
