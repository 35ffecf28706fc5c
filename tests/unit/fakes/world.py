"""A store, and everything around it."""

from dataclasses import dataclass, field

from triptych.models.config import SessionSettings
from triptych.models.loader import LoadEvents, Runtime
from triptych.models.memory import MemoryBudget
from triptych.models.model import OpenSession
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
        took: Milliseconds that each of them took.
        failed: Versions that it said it could not load.
        open_session: What stands between it and `sessions`, if anything does.
    """

    storage: MemoryStorage
    clock: Clock = field(default_factory=Clock)
    sessions: Sessions = field(default_factory=Sessions)
    loaded: list[tuple[str, int]] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    failed: list[tuple[str, int, str]] = field(default_factory=list)
    open_session: OpenSession | None = None

    def __post_init__(self) -> None:
        self.store = ModelStore(
            ModelRepository([self.storage], REFRESH, self.clock),
            Runtime(self.open_session or self.sessions, SessionSettings(threads=2)),
            MemoryBudget(BUDGET, self.sessions.process_memory),
            LoadEvents(self._note_loaded, lambda *failure: self.failed.append(failure)),
        )

    def _note_loaded(self, name: str, version: int, milliseconds: float) -> None:
        self.loaded.append((name, version))
        self.took.append(milliseconds)

    def add(self, name: str, version: int, content: str, *, graph: int = 0, weights: int = 0) -> None:
        """Puts a version into the storage, which claims to have that many bytes of graph and weights."""
        self.storage.contents.setdefault(name, {})[version] = content
        self.storage.sizes[name, version] = (graph + weights, graph)

    def states(self) -> list[tuple[str, int | None, str]]:
        """The index without its reasons."""
        return [(entry.name, entry.version, entry.state) for entry in self.store.index()]
