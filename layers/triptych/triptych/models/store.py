"""The models that are served: found in the repository, loaded when first asked for, kept open."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from triptych.clock import Deadline
from triptych.errors import ModelLoading, ModelUnavailable, NotSupported, RepositoryUnavailable, TriptychError
from triptych.models.config import SessionSettings
from triptych.models.index import IndexEntry, ModelIndex
from triptych.models.loader import LoadEvents, ModelLoader, Outcomes
from triptych.models.memory import OpenModels
from triptych.models.model import Model, SessionFactory
from triptych.models.repository import Candidate, Listing, ModelRepository

LOGGER = logging.getLogger("triptych")
NO_EVENTS = LoadEvents()
EVERY_MODEL = "*"
"""What stands for all models where names are wanted."""


class _Resolved(NamedTuple):
    """Which version answers a request, as long as the listing is the same and the time has not come."""

    listing: Listing
    version: int
    until: float


class ModelStore:
    """Serves models from a repository. Made for one thread, and those in which it loads models.

    Args:
        repository: Where models are.
        open_session: Opens a model file.
        defaults: Settings where a `model.toml` chooses none.
        memory_budget: Bytes of memory that all open models together may need.
        process_memory: Tells the bytes of anonymous memory that this process has now.
        events: Whom to tell about loads.
    """

    def __init__(  # noqa: PLR0913 - each is one choice of the function that serves
        self,
        repository: ModelRepository,
        *,
        open_session: SessionFactory,
        defaults: SessionSettings,
        memory_budget: int,
        process_memory: Callable[[], int],
        events: LoadEvents = NO_EVENTS,
    ) -> None:
        self._repository = repository
        self._clock = repository.clock
        self._open = OpenModels(memory_budget)
        self._resolved: dict[tuple[str, int | None], _Resolved] = {}
        outcomes = Outcomes(repository.refresh_seconds, repository.clock)
        self._loader = ModelLoader(
            open_models=self._open,
            outcomes=outcomes,
            open_session=open_session,
            defaults=defaults,
            process_memory=process_memory,
            clock=repository.clock,
            events=events,
        )
        self._index = ModelIndex(repository, self._loader, outcomes)

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
        return [candidate.stored.version for candidate in self._repository.listing(name).all()]

    def index(self, seconds: float = 5.0) -> list[IndexEntry]:
        """Tells the state of every version of every model, trying those never tried while time is left.

        Args:
            seconds: Time for trying.

        Raises:
            RepositoryUnavailable: No model is known, and not all storage backends can be read now.
        """
        return self._index.entries(seconds)

    def preload(self, names: Iterable[str]) -> None:
        """Loads the default versions of models ahead of requests; failures are logged, and stay errors.

        Args:
            names: Names of models; `EVERY_MODEL` stands for all that the repository has.
        """
        wanted = set(names)
        try:
            every = self._repository.names() if EVERY_MODEL in wanted else ()
        except RepositoryUnavailable as error:
            LOGGER.warning("not every model is preloaded: %s", error)
            every = ()
        for name in sorted(wanted - {EVERY_MODEL} | {*every}):
            try:
                self.get(name)
            except TriptychError as error:
                LOGGER.warning("model %s is not preloaded: %s", name, error)

    def _resolve(self, listing: Listing, version: int | None, deadline: Deadline | None) -> Model:
        wanted, *lower = listing.matching(version)
        ready = [candidate for candidate in lower if self._open.holds(candidate)]
        try:
            # What loads for long leaves time to run the version below.
            model = self._load(wanted, deadline.half() if deadline and ready else deadline)
        except (ModelUnavailable, NotSupported, RepositoryUnavailable) as error:
            instead = self._first_of(ready if isinstance(error, ModelLoading) else lower, deadline)
            if instead is None:
                raise
            LOGGER.warning("%s; version %d is served", error, instead.version)
            model = instead
        retry = self._clock() + self._repository.refresh_seconds
        until = float("inf") if self._open.holds(wanted) else retry
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
