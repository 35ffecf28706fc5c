"""Loading a version of a model: its settings, its files, room for it, its session."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from triptych.clock import Deadline
from triptych.errors import ModelLoading, ModelUnavailable, NotSupported, RepositoryUnavailable
from triptych.models.config import SessionSettings, fitted, parse_model_config
from triptych.models.memory import MemoryBudget, OpenModel, OpenModels, estimated_memory
from triptych.models.model import Model, OpenSession, VersionFiles
from triptych.models.repository import Candidate
from triptych.models.storage import NoRoom

LOGGER = logging.getLogger("triptych")
CODE_IGNORED = "the model.py in the bucket is not run: deploy it in the layer of models, without the weights"
Unloadable = ModelUnavailable | NotSupported


class Runtime(NamedTuple):
    """How models are run.

    Attributes:
        open_session: Opens a version that is on the disk.
        defaults: Settings where a `model.toml` chooses none.
        raw: Whether models are served as they are: only what `model.toml` says of their session counts.
    """

    open_session: OpenSession
    defaults: SessionSettings
    raw: bool = False


def _ignore(*_: object) -> None:
    """Does nothing with what happened."""


class LoadEvents(NamedTuple):
    """What is notified of loads, for metrics.

    Attributes:
        loaded: Accepts name, version and milliseconds of each model that was opened.
        failed: Accepts name and version of one that could not be, and why.
    """

    loaded: Callable[[str, int, float], object] = _ignore
    failed: Callable[[str, int, str], object] = _ignore


class Loaded(NamedTuple):
    """A version that could be loaded.

    Attributes:
        memory: Bytes of memory it was seen to need.
        description: The description in its `model.toml`.
        task: What it is for; empty where it takes tensors.
    """

    memory: int
    description: str
    task: str


class Failed(NamedTuple):
    """A version that could not be loaded.

    Attributes:
        kind: Class of the error.
        reason: Its message.
        until: When to try again, on the clock of the loader.
    """

    kind: type[Unloadable]
    reason: str
    until: float


class Background[T]:
    """Does work that may take longer than the request that begins it: the next request joins it.

    Each piece of work is done once at a time, in a thread. Lambda stops all threads of a function between two
    requests; they go on with the next one.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, Future[T]] = {}

    @property
    def is_busy(self) -> bool:
        """Whether any work is going on."""
        return bool(self._running)

    def result(self, key: Hashable, work: Callable[[], T], deadline: Deadline) -> T:
        """Returns the result of some work, begun now or by an earlier call.

        Args:
            key: What the work is for.
            work: What to do; not called where the work for this key is going on.
            deadline: How long to wait; the work goes on afterwards.

        Raises:
            TimeoutError: There is no result yet.
            Exception: Whatever the work raises.
        """
        future = self._running.get(key)
        if future is None:
            future = self._running[key] = Future()
            arguments = (key, work, future)
            threading.Thread(target=self._run, args=arguments, name=f"load {key}", daemon=True).start()
        if wait([future], max(0.0, deadline.remaining)).not_done:
            raise TimeoutError
        return future.result()

    def _run(self, key: Hashable, work: Callable[[], T], future: Future[T]) -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            del self._running[key]
            future.set_exception(error)
        else:
            del self._running[key]
            future.set_result(result)


class ModelLoader:
    """Loads candidates, and remembers the latest outcome of each version while its files stay the same.

    Args:
        runtime: How models are run.
        memory: What open models may need.
        events: What is notified of loads.
        clock: Monotonic seconds.
        retry_seconds: How long a failure is remembered.

    Attributes:
        open_models: Where models stay open.
        background: Where versions are loaded that requests wait for.
    """

    def __init__(
        self,
        runtime: Runtime,
        memory: MemoryBudget,
        events: LoadEvents,
        clock: Callable[[], float],
        retry_seconds: float,
    ) -> None:
        self._runtime = runtime
        self._process_memory = memory.used
        self._events = events
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._outcomes: dict[tuple[str, int], tuple[str, Loaded | Failed]] = {}
        self.open_models = OpenModels(memory.size)
        self.background = Background[Model]()

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
            RepositoryUnavailable: Its storage cannot be read now, and no earlier content of it is open.
        """
        model = self.open_models.find(candidate)
        if model is not None:
            return model
        load = partial(self._loaded, candidate, tentative=tentative)
        if deadline is None:
            return load()
        try:
            return self.background.result((*candidate.key, candidate.fingerprint), load, deadline)
        except TimeoutError:
            stored = candidate.stored
            where = f"model {stored.model!r} version {stored.version} ({stored.size >> 20} MB)"
            raise ModelLoading(f"{where} is being loaded, which goes on: try again") from None

    def outcome(self, candidate: Candidate) -> Loaded | Failed | None:
        """Returns what came of loading exactly this candidate, unless that is too long ago to count."""
        fingerprint, outcome = self._outcomes.get(candidate.key, ("", None))
        if fingerprint != candidate.fingerprint:
            return None
        if isinstance(outcome, Failed) and self._clock() >= outcome.until:
            return None
        return outcome

    def _remember(self, candidate: Candidate, outcome: Loaded | Failed) -> None:
        self._outcomes[candidate.key] = (candidate.fingerprint, outcome)

    def _loaded(self, candidate: Candidate, *, tentative: bool) -> Model:
        outcome = self.outcome(candidate)
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
        started = self._clock()
        opened = self._open(candidate, earlier, tentative=tentative)
        took = (self._clock() - started) * 1000
        model = opened.model
        self._remember(candidate, Loaded(opened.memory, model.config.description, model.signature.task))
        self.open_models.add(opened, tentative=tentative)
        if candidate.ignores_code:
            LOGGER.warning("model %s version %d: %s", *candidate.key, CODE_IGNORED)
        self._events.loaded(*candidate.key, took)
        return opened.model

    def _open(self, candidate: Candidate, earlier: Loaded | None, *, tentative: bool) -> OpenModel:
        """Opens a version in the room that is made for it; its files are released when that fails."""
        stored = candidate.stored
        config = parse_model_config(candidate.config() or "")
        if self._runtime.raw:
            config = config.raw
        settings = config.settings(self._runtime.defaults)
        estimate = estimated_memory(stored, settings)
        self.open_models.check(estimate)
        needed = earlier.memory if earlier else estimate
        with ExitStack() as undo:
            directory = self._fetch(candidate, tentative=tentative)
            undo.callback(candidate.storage.release, stored)
            self.open_models.close(candidate)
            self.open_models.make_room(needed, tentative=tentative)
            before = self._process_memory()
            files = VersionFiles(*candidate.key, directory, candidate.code)
            session = self._runtime.open_session(files, config, settings)
            config = fitted(config, session.signature)
            needed = max(needed, self._process_memory() - before)
            undo.pop_all()
        return OpenModel(Model(*candidate.key, config, session), candidate, needed)

    def _fetch(self, candidate: Candidate, *, tentative: bool) -> Path:
        while True:
            try:
                return candidate.storage.fetch(candidate.stored)
            except NoRoom:
                if tentative or not self.open_models.close_least_recent():
                    raise

    def _earlier(self, candidate: Candidate, error: RepositoryUnavailable) -> Model:
        model = self.open_models.use(*candidate.key)
        if model is None:
            raise error
        LOGGER.warning(
            "model %s version %d changed but cannot be read (%s); its earlier content is served",
            *candidate.key,
            error,
        )
        return model

    def _fail(self, candidate: Candidate, error: Unloadable) -> None:
        LOGGER.warning("model %s version %d cannot be loaded: %s", *candidate.key, error)
        self.open_models.close(candidate)
        self._remember(candidate, Failed(type(error), str(error), self._clock() + self._retry_seconds))
        self._events.failed(*candidate.key, str(error))
