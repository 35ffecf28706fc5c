"""A store, and everything around it."""

from dataclasses import dataclass, field

from triptych.models.config import SessionSettings
from triptych.models.loader import LoadEvents
from triptych.models.model import SessionFactory
from triptych.models.repository import ModelRepository
from triptych.models.store import ModelStore

from tests.unit.fakes.clock import Clock
from tests.unit.fakes.sessions import Sessions
from tests.unit.fakes.storage import MemoryStorage

REFRESH = 30.0
MB = 1 << 20
BUDGET = 100 * MB


@dataclass
class World:
    """A store and everything around it.

    Attributes:
        storage: Where its models are.
        clock: Its time.
        sessions: What opens its models.
        loaded: Versions that it said it loaded.
        failed: Versions that it said it could not load.
        open_session: What stands between it and `sessions`, if anything does.
    """

    storage: MemoryStorage
    clock: Clock = field(default_factory=Clock)
    sessions: Sessions = field(default_factory=Sessions)
    loaded: list[tuple[str, int]] = field(default_factory=list)
    failed: list[tuple[str, int, str]] = field(default_factory=list)
    open_session: SessionFactory | None = None

    def __post_init__(self) -> None:
        self.store = ModelStore(
            ModelRepository([self.storage], REFRESH, self.clock),
            open_session=self.open_session or self.sessions,
            defaults=SessionSettings(threads=2),
            memory_budget=BUDGET,
            process_memory=self.sessions.process_memory,
            events=LoadEvents(
                loaded=lambda model: self.loaded.append((model.name, model.version)),
                failed=lambda name, version, error: self.failed.append((name, version, str(error))),
            ),
        )

    def add(self, name: str, version: int, content: str, *, graph: int = 0, weights: int = 0) -> None:
        """Puts a version into the storage, which claims to have that many bytes of graph and weights."""
        self.storage.contents.setdefault(name, {})[version] = content
        self.storage.sizes[name, version] = (graph + weights, graph)

    def states(self) -> list[tuple[str, int | None, str]]:
        """The index without its reasons."""
        return [(entry.name, entry.version, entry.state) for entry in self.store.index()]
