"""The memory budget of open models, whatever is asked for in whatever order."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from triptych.errors import ModelUnavailable
from triptych.models.config import SessionSettings
from triptych.models.loader import Runtime
from triptych.models.memory import SESSION_BYTES, MemoryBudget, estimated_memory
from triptych.models.repository import ModelRepository
from triptych.models.storage import StoredVersion
from triptych.models.store import ModelStore

from tests.unit.fakes.clock import Clock
from tests.unit.fakes.sessions import Sessions
from tests.unit.fakes.storage import MemoryStorage

MB = 1 << 20
BUDGET = 100 * MB
NAMES = "abcdef"

sizes = st.lists(st.integers(0, 70), min_size=len(NAMES), max_size=len(NAMES))
requests = st.lists(st.sampled_from(NAMES), max_size=30)


class LeastRecentlyUsed:
    """The rule, written down as plainly as can be: which models are open after each request."""

    def __init__(self, needs: dict[str, int]) -> None:
        self._needs = needs
        self.open: list[str] = []

    def request(self, name: str) -> bool:
        """Opens a model if it fits; tells whether it is open."""
        if self._needs[name] > BUDGET:
            return False
        self.open = [other for other in self.open if other != name]
        opening = [name] if name not in self.open else []
        while sum(self._needs[other] for other in [*self.open, *opening]) > BUDGET:
            self.open.pop(0)
        self.open.append(name)
        return True


@given(sizes=sizes, requests=requests)
def test_least_recently_used_are_closed_within_the_budget(sizes: list[int], requests: list[str]) -> None:
    """After any requests exactly the models are open, and on the disk, that the rule says: in the budget."""
    graphs = dict(zip(NAMES, (size * MB for size in sizes), strict=True))
    needs = {name: SESSION_BYTES + int(graph * 1.5) for name, graph in graphs.items()}
    rule = LeastRecentlyUsed(needs)
    with TemporaryDirectory() as disk:
        storage = MemoryStorage(Path(disk), {name: {1: name} for name in NAMES})
        storage.sizes = {(name, 1): (graph, graph) for name, graph in graphs.items()}
        sessions = Sessions()
        store = ModelStore(
            ModelRepository([storage], 30, Clock()),
            Runtime(sessions, SessionSettings()),
            MemoryBudget(BUDGET, sessions.process_memory),
        )
        for name in requests:
            try:
                served = store.get(name).name == name
            except ModelUnavailable:
                served = False
            assert rule.request(name) == served
            assert sorted(rule.open) == sessions.alive
            assert sum(needs[other] for other in sessions.alive) <= BUDGET
            assert Counter({(other, 1): 1 for other in rule.open}) == +storage.fetched


@given(graph=st.integers(0, 1 << 34), external=st.integers(0, 1 << 34))
def test_estimates_are_ordered(graph: int, external: int) -> None:
    """Mapped weights never count more than prepacked ones, and what is read in never less than its size."""
    version = StoredVersion("m", 1, "", graph + external, graph)
    mapped = estimated_memory(version, SessionSettings(weights="mapped"))
    prepacked = estimated_memory(version, SessionSettings(weights="prepacked"))
    assert graph <= mapped <= prepacked
    assert graph + external <= prepacked
