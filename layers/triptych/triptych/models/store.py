"""The models that are served: found in the repository, loaded when first asked for, kept open."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from triptych.clock import Deadline
from triptych.errors import (
    ModelLoading,
    ModelUnavailable,
    NotFound,
    NotSupported,
    RepositoryUnavailable,
    TriptychError,
)
from triptych.models.loader import CODE_IGNORED, Failed, Loaded, LoadEvents, ModelLoader, Runtime
from triptych.models.memory import MemoryBudget
from triptych.models.model import Model
from triptych.models.repository import Candidate, Listing, ModelRepository
from triptych.models.storage import NoRoom, StorageKind

LOGGER = logging.getLogger("triptych")
NO_EVENTS = LoadEvents()
EVERY_MODEL = "*"
"""What stands for all models where names are expected."""
BYTES_PER_SECOND = 25 << 20
"""A cautious rate of download: a version that may not arrive in the time left is not tried."""

State = Literal["READY", "UNAVAILABLE", "UNKNOWN"]


class IndexEntry(NamedTuple):
    """The state of one version.

    Attributes:
        name: Name of the model.
        version: Number of the version; None where no version of the model is known.
        state: `READY`: it can be loaded; `UNAVAILABLE`: it cannot; `UNKNOWN`: not tried yet.
        reason: Why it is not ready; of one that is, what of it is not used.
        description: What its `model.toml` says it is; empty before it was loaded.
        storage: Where it is; None where no version of the model is known.
        hidden: Later storage backends that hold a version of this number too, which is not served.
        task: What it is for, such as `text-classification`; empty for tensors, and before it was loaded.
    """

    name: str
    version: int | None
    state: State
    reason: str = ""
    description: str = ""
    storage: StorageKind | None = None
    hidden: tuple[StorageKind, ...] = ()
    task: str = ""


class _Resolved(NamedTuple):
    """Which version answers a request, as long as the listing is the same and the time has not come."""

    listing: Listing
    version: int
    until: float


class ModelStore:
    """Serves models from a repository. Made for one thread, and those in which it loads models.

    Args:
        repository: Where models are.
        runtime: How models are run.
        memory: What open models may need.
        events: What is notified of loads.
    """

    def __init__(
        self,
        repository: ModelRepository,
        runtime: Runtime,
        memory: MemoryBudget,
        events: LoadEvents = NO_EVENTS,
    ) -> None:
        self._repository = repository
        self._clock = repository.clock
        self._loader = ModelLoader(runtime, memory, events, repository.clock, repository.refresh_seconds)
        self._open = self._loader.open_models
        self._resolved: dict[tuple[str, int | None], _Resolved] = {}

    def get(self, name: str, version: int | None = None, deadline: Deadline | None = None) -> Model:
        """Returns a model that can be run; hold it for one request only.

        Args:
            name: Name of the model.
            version: Number of the version; None for the highest that can be loaded.
            deadline: How long to wait for a model to be loaded, which goes on afterwards: the next call joins
                it. None for as long as it takes.

        Raises:
            NotFound: There is no such model or version.
            ModelLoading: It is not loaded by then, and no lower version is open.
            ModelUnavailable: It cannot be loaded now.
            NotSupported: It uses what is not served.
            RepositoryUnavailable: Its storage backend cannot be read now.
        """
        listing = self._repository.listing(name)
        resolved = self._resolved.get((name, version))
        if resolved is not None and resolved.listing is listing and self._clock() < resolved.until:
            model = self._open.use(name, resolved.version)
            if model is not None:
                return model
        return self._resolve(listing, version, deadline)

    def versions(self, name: str) -> Sequence[int]:
        """Lists the versions of a model, the highest first, whether or not they can be loaded.

        Raises:
            NotFound: There is no such model.
            RepositoryUnavailable: It is in no storage backend that can be read now.
        """
        return [candidate.stored.version for candidate in self._repository.listing(name).candidates()]

    def index(self, seconds: float = 5.0) -> list[IndexEntry]:
        """Lists the state of every version of every model: models by name, versions from the highest.

        Args:
            seconds: Time for trying versions that were never tried; no model in use is closed for it.

        Raises:
            RepositoryUnavailable: No model is known, and not all storage backends can be read now.
        """
        until = self._clock() + seconds
        return [entry for name in self._repository.names() for entry in self._entries(name, until)]

    def preload(self, names: Iterable[str]) -> None:
        """Loads the default versions of models ahead of requests; failures are logged, and stay errors.

        Args:
            names: Names of models; `EVERY_MODEL` stands for all that the repository has.
        """
        chosen = set(names)
        try:
            every = self._repository.names() if EVERY_MODEL in chosen else ()
        except RepositoryUnavailable as error:
            LOGGER.warning("not every model is preloaded: %s", error)
            every = ()
        for name in sorted(chosen - {EVERY_MODEL} | {*every}):
            try:
                self.get(name)
            except TriptychError as error:
                LOGGER.warning("model %s is not preloaded: %s", name, error)

    def _resolve(self, listing: Listing, version: int | None, deadline: Deadline | None) -> Model:
        preferred, *lower = listing.candidates(version)
        ready = [candidate for candidate in lower if self._open.holds(candidate)]
        try:
            # What loads for long leaves time to run the version below.
            model = self._load(preferred, deadline.half() if deadline and ready else deadline)
        except (ModelUnavailable, NotSupported, RepositoryUnavailable) as error:
            instead = self._first_of(ready if isinstance(error, ModelLoading) else lower, deadline)
            if instead is None:
                raise
            LOGGER.warning("%s; version %d is served", error, instead.version)
            model = instead
        retry = self._clock() + self._repository.refresh_seconds
        until = float("inf") if self._open.holds(preferred) else retry
        self._resolved[listing.model, version] = _Resolved(listing, model.version, until)
        return model

    def _first_of(self, candidates: Sequence[Candidate], deadline: Deadline | None) -> Model | None:
        for candidate in candidates:
            try:
                return self._loader.opened(candidate, deadline)
            except ModelLoading:
                raise
            except (ModelUnavailable, NotSupported, RepositoryUnavailable):
                continue
        return None

    def _load(self, candidate: Candidate, deadline: Deadline | None) -> Model:
        stored = candidate.stored
        try:
            return self._loader.opened(candidate, deadline)
        except ModelLoading:
            raise
        except (ModelUnavailable, NotSupported) as error:
            where = f"model {stored.model!r} version {stored.version}"
            raise type(error)(f"{where} cannot be loaded: {error}") from error

    def _entries(self, name: str, until: float) -> Iterator[IndexEntry]:
        try:
            candidates = self._repository.listing(name).candidates()
        except NotFound:
            yield IndexEntry(name, None, "UNAVAILABLE", "no version is complete: each needs a model.onnx")
        except RepositoryUnavailable as error:
            yield IndexEntry(name, None, "UNKNOWN", str(error))
        else:
            for candidate in candidates:
                version, storage, hidden = candidate.stored.version, candidate.storage.kind, candidate.hidden
                state, reason = self._state(candidate, until)
                outcome = self._loader.outcome(candidate)
                description, task = outcome[1:] if isinstance(outcome, Loaded) else ("", "")
                reason = reason or (CODE_IGNORED if candidate.ignores_code else "")
                yield IndexEntry(name, version, state, reason, description, storage, hidden, task)

    def _state(self, candidate: Candidate, until: float) -> tuple[State, str]:
        outcome = self._loader.outcome(candidate)
        if isinstance(outcome, Failed):
            return "UNAVAILABLE", outcome.reason
        if outcome is not None:
            return "READY", ""
        left, size = until - self._clock(), candidate.stored.size + candidate.stored.elsewhere
        if self._loader.background.is_busy or size > left * BYTES_PER_SECOND:
            return "UNKNOWN", "not loaded yet"
        return self._try(candidate)

    def _try(self, candidate: Candidate) -> tuple[State, str]:
        try:
            self._loader.opened(candidate, tentative=True)
        except NoRoom:
            return "UNKNOWN", "not loaded yet"
        except RepositoryUnavailable as error:
            return "UNKNOWN", str(error)
        except (ModelUnavailable, NotSupported) as error:
            return "UNAVAILABLE", str(error)
        return "READY", ""
