"""A model version that is open."""

from __future__ import annotations

from typing import NamedTuple

from triptych.interfaces.session import ModelSession
from triptych.serving.model_config import ModelConfig
from triptych.tensors.signature import Signature


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
