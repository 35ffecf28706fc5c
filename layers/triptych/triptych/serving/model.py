"""A model version that is open."""

from __future__ import annotations

from dataclasses import dataclass

from triptych.interfaces.session import ModelSession
from triptych.serving.model_config import ModelConfig
from triptych.tensors.signature import Signature


@dataclass(frozen=True, slots=True, eq=False)
class Model:
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
