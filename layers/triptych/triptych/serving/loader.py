"""Loading a version of a model: its settings, its files, room for it, its session."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from triptych.errors import ModelLoading, ModelUnavailable, NotSupported, RepositoryUnavailable
from triptych.interfaces.deadline import Deadline
from triptych.interfaces.place import GRAPH_FILE, NoRoom
from triptych.interfaces.session import SessionFactory
from triptych.interfaces.settings import SessionSettings
from triptych.serving.background import Background
from triptych.serving.config_check import fitted
from triptych.serving.model import Model
from triptych.serving.model_config import parse_model_config
from triptych.serving.open_models import OpenModel, OpenModels, estimated_memory
from triptych.serving.outcomes import Failed, Loaded, Outcomes, Unloadable
from triptych.serving.repository import Candidate

LOGGER = logging.getLogger("triptych")


def _ignore(*_: object) -> None:
    """Does nothing with what happened."""


@dataclass(frozen=True, slots=True)
class LoadEvents:
    """Whom to tell about loads, for metrics.

    Attributes:
        loaded: Is called with each model that has been opened.
        failed: Is called with the name and version that could not be loaded, and why.
    """

    loaded: Callable[[Model], None] = _ignore
    failed: Callable[[str, int, Unloadable], None] = _ignore


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLoader:
    """Opens candidates, and knows what came of it.

    Attributes:
        open_models: Where models stay open.
        outcomes: What came of earlier loads.
        open_session: Opens a model file.
        defaults: Settings where a `model.toml` chooses none.
        process_memory: Tells the bytes of anonymous memory that this process has now.
        clock: Monotonic seconds.
        events: Whom to tell.
        background: Where versions are loaded that requests wait for.
    """

    open_models: OpenModels
    outcomes: Outcomes
    open_session: SessionFactory
    defaults: SessionSettings
    process_memory: Callable[[], int]
    clock: Callable[[], float]
    events: LoadEvents
    background: Background[Model] = field(default_factory=Background[Model])

    def opened(
        self, candidate: Candidate, deadline: Deadline | None = None, *, tentative: bool = False
    ) -> Model:
        """Returns the model of a candidate, loading it if it is not open.

        Args:
            candidate: The version.
            deadline: How long to wait: loading goes on afterwards, and the next call joins it. None for as
                long as it takes.
            tentative: Whether nobody asked for it: then no other model is closed for it, and it is the
                first to be closed for others.

        Raises:
            ModelLoading: It is not loaded by then.
            NoRoom: It is tentative, and does not fit beside the others.
            ModelUnavailable: It cannot be loaded now, or could not be a short while ago.
            NotSupported: It uses what is not served, as seen now or a short while ago.
            RepositoryUnavailable: Its place cannot be read now, and no earlier content of it is open.
        """
        model = self.open_models.find(candidate)
        if model is not None:
            return model
        load = partial(self._loaded, candidate, tentative=tentative)
        if deadline is None:
            return load()
        stored = candidate.stored
        try:
            return self.background.result(
                (stored.model, stored.version, candidate.fingerprint), load, deadline
            )
        except TimeoutError:
            where = f"model {stored.model!r} version {stored.version} ({stored.size >> 20} MB)"
            raise ModelLoading(f"{where} is being loaded, which goes on: try again") from None

    def _loaded(self, candidate: Candidate, *, tentative: bool) -> Model:
        outcome = self.outcomes.of(candidate)
        if isinstance(outcome, Failed):
            raise outcome.kind(outcome.reason)
        try:
            return self.open_models.find(candidate) or self._load(candidate, outcome, tentative=tentative)
        except NoRoom:
            raise
        except RepositoryUnavailable as error:
            return self._earlier(candidate, error)
        except (ModelUnavailable, NotSupported) as error:
            self._fail(candidate, error)
            raise

    def _load(self, candidate: Candidate, earlier: Loaded | None, *, tentative: bool) -> Model:
        started = self.clock()
        stored = candidate.stored
        config = parse_model_config(candidate.config() or "")
        settings = config.settings(self.defaults)
        estimate = estimated_memory(stored, settings)
        self.open_models.check(estimate)
        needed = earlier.memory if earlier else estimate
        with ExitStack() as undo:
            directory = self._fetch(candidate, tentative=tentative)
            undo.callback(candidate.place.release, stored)
            self.open_models.close(candidate)
            self.open_models.make_room(needed, tentative=tentative)
            before = self.process_memory()
            session = self.open_session(directory / GRAPH_FILE, settings)
            config = fitted(config, session.signature)
            needed = max(needed, self.process_memory() - before)
            undo.pop_all()
        took = (self.clock() - started) * 1000
        model = Model(stored.model, stored.version, config, session, took)
        self.outcomes.loaded(candidate, Loaded(needed, config.description))
        self.open_models.add(OpenModel(model, candidate, needed), tentative=tentative)
        self.events.loaded(model)
        return model

    def _fetch(self, candidate: Candidate, *, tentative: bool) -> Path:
        while True:
            try:
                return candidate.place.fetch(candidate.stored)
            except NoRoom:
                if tentative or not self.open_models.close_least_recent():
                    raise

    def _earlier(self, candidate: Candidate, error: RepositoryUnavailable) -> Model:
        stored = candidate.stored
        model = self.open_models.use(stored.model, stored.version)
        if model is None:
            raise error
        LOGGER.warning(
            "model %s version %d changed but cannot be read (%s); its earlier content is served",
            stored.model, stored.version, error,
        )  # fmt: skip
        return model

    def _fail(self, candidate: Candidate, error: Unloadable) -> None:
        stored = candidate.stored
        LOGGER.warning("model %s version %d cannot be loaded: %s", stored.model, stored.version, error)
        self.open_models.close(candidate)
        self.outcomes.failed(candidate, error)
        self.events.failed(stored.model, stored.version, error)
