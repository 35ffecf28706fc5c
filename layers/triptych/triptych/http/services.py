"""What the endpoints work with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from triptych.models.repository import ModelRepository
from triptych.models.statistics import Statistics
from triptych.models.store import ModelStore


class Services(NamedTuple):
    """What the endpoints work with.

    Attributes:
        repository: Knows which models there are.
        store: Gives open models.
        statistics: Counts what they do.
        documents: Directory that holds `openapi.json` and `docs.html`.
    """

    repository: ModelRepository
    store: ModelStore
    statistics: Statistics
    documents: Path
