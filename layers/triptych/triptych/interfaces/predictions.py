"""Predictions that are looked up by key.

Every method raises `ServiceUnavailable` when it cannot be reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from triptych.interfaces.pacer import Pacer


class Prediction(NamedTuple):
    """What was predicted for one record.

    Attributes:
        key: What identifies the record.
        row: The predicted row: the columns of the output by name.
        labels: Names of the entries of columns that are lists, by column.
    """

    key: str
    row: Mapping[str, Any]
    labels: Mapping[str, Sequence[str]] = MappingProxyType({})


class Made(NamedTuple):
    """Who made predictions, and when.

    Attributes:
        model: Name of the model.
        version: Its version.
        batch: Id of the batch.
        at: When the batch was handed over, in milliseconds since 1970: of two predictions, the later counts.
    """

    model: str
    version: int
    batch: str
    at: int


class PredictionStore(Protocol):
    """Keeps predictions, for a while."""

    def put(self, predictions: Sequence[Prediction], made: Made, pacer: Pacer) -> None:
        """Keeps predictions, each in place of earlier ones for its key; a later one that is there stays.

        Args:
            predictions: The predictions.
            made: Who made them.
            pacer: Says when each write is due.

        Raises:
            BadRequest: One of them is too large.
            DeadlineExceeded: There was not enough time for all; some may have been kept.
        """
        ...

    def get(self, model: str, keys: Sequence[str]) -> Mapping[str, tuple[Prediction, Made]]:
        """Gives the latest predictions of a model by key; keys that have none are left out."""
        ...
