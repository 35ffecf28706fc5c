"""The state of every version of every model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from triptych.errors import ModelUnavailable, NotFound, NotSupported, RepositoryUnavailable
from triptych.models.loader import Failed, Loaded, ModelLoader, Outcomes
from triptych.models.repository import Candidate, ModelRepository
from triptych.models.storage import NoRoom, StorageKind

State = Literal["READY", "UNAVAILABLE", "UNKNOWN"]
BYTES_PER_SECOND = 25 << 20
"""A cautious rate of download: a version that may not arrive in the time left is not tried."""


class IndexEntry(NamedTuple):
    """The state of one version.

    Attributes:
        name: Name of the model.
        version: Number of the version; None where no version of the model is known.
        state: `READY`: it can be loaded; `UNAVAILABLE`: it cannot; `UNKNOWN`: not tried yet.
        reason: Why it is not ready.
        description: What its `model.toml` says it is; empty before it was loaded.
        storage: Where it is; None where no version of the model is known.
        hidden: Later storage backends that hold a version of this number too, which is not served.
    """

    name: str
    version: int | None
    state: State
    reason: str = ""
    description: str = ""
    storage: StorageKind | None = None
    hidden: tuple[StorageKind, ...] = ()


class ModelIndex:
    """Tells the state of every version, and tries what has never been tried.

    Args:
        repository: Where models are.
        loader: Loads candidates.
        outcomes: What came of earlier loads.
    """

    def __init__(self, repository: ModelRepository, loader: ModelLoader, outcomes: Outcomes) -> None:
        self._repository = repository
        self._loader = loader
        self._outcomes = outcomes

    def entries(self, seconds: float) -> list[IndexEntry]:
        """Lists the states, models by name, versions from the highest.

        Args:
            seconds: Time for trying; no model in use is closed for it.

        Raises:
            RepositoryUnavailable: No model is known, and not all storage backends can be read now.
        """
        deadline = self._repository.clock() + seconds
        return [entry for name in self._repository.names() for entry in self._of_model(name, deadline)]

    def _of_model(self, name: str, deadline: float) -> Iterator[IndexEntry]:
        try:
            candidates = self._repository.listing(name).all()
        except NotFound:
            yield IndexEntry(name, None, "UNAVAILABLE", "no version is complete: each needs its model.onnx")
        except RepositoryUnavailable as error:
            yield IndexEntry(name, None, "UNKNOWN", str(error))
        else:
            for candidate in candidates:
                version, storage, hidden = candidate.stored.version, candidate.storage.kind, candidate.hidden
                state, reason = self._state(candidate, deadline)
                outcome = self._outcomes.of(candidate)
                description = outcome.description if isinstance(outcome, Loaded) else ""
                yield IndexEntry(name, version, state, reason, description, storage, hidden)

    def _state(self, candidate: Candidate, deadline: float) -> tuple[State, str]:
        outcome = self._outcomes.of(candidate)
        if isinstance(outcome, Failed):
            return "UNAVAILABLE", outcome.reason
        if outcome is not None:
            return "READY", ""
        left = deadline - self._repository.clock()
        if self._loader.background.is_busy or candidate.stored.size > left * BYTES_PER_SECOND:
            return "UNKNOWN", "not loaded yet"
        return self._tried(candidate)

    def _tried(self, candidate: Candidate) -> tuple[State, str]:
        try:
            self._loader.opened(candidate, tentative=True)
        except NoRoom:
            return "UNKNOWN", "not loaded yet"
        except RepositoryUnavailable as error:
            return "UNKNOWN", str(error)
        except (ModelUnavailable, NotSupported) as error:
            return "UNAVAILABLE", str(error)
        return "READY", ""
