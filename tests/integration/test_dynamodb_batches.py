"""Records of batches in DynamoDB: conditions, races, parts in order, lists."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from triptych.aws.table import deserialized
from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.file import FileOutcome, Part
from triptych.batches.store import batch_item
from triptych.batches.transitions import begun, cancelled
from triptych.errors import BadRequest, ServiceUnavailable
from triptych.inference.piece import Counts
from triptych.lifecycle.record import Failure
from triptych.lifecycle.store import record_of
from triptych.rows.options import BatchOptions

from tests.integration.batch_world import NOW, RETENTION, BatchWorld
from tests.integration.outages import refusing
from tests.support.batch_strategies import batches

ID = str(uuid.UUID(int=0))
PART = Part(3, 0, False, 70, 90, Counts(2, 2, 0), "k", 9, None, ("a", "b"), "float32", 5, 4, 3)
DONE = FileOutcome(0, "m/a.csv", Counts(3, 3, 0), "m/a.csv.out", None, "m/a.csv.manifest.json")
PASSING = Failure("ServiceUnavailable", "not now", retryable=True)
LASTING = Failure("BadRequest", "wrong columns", retryable=False)


@pytest.fixture
def world(aws: None) -> BatchWorld:  # noqa: ARG001 - it is created there
    """An empty table of batches."""
    return BatchWorld()


def new_batch(number: int = 0, created: int = NOW) -> Batch:
    """A batch whose id is a number."""
    source = BatchSource(("m/a.csv", "m/b.csv"))
    return Batch(str(uuid.UUID(int=number)), "m", None, source, BatchOptions(tolerance=0.1), created)


@given(batches())
def test_items(batch: Batch) -> None:
    """Any record comes back from its item as it was."""
    assert batch == record_of(Batch, deserialized(batch_item(batch, RETENTION)))


def test_added_once(world: BatchWorld) -> None:
    """The first of two records with an id is kept."""
    first = new_batch()
    assert world.batches.get(ID) is None
    assert [True, False] == [world.batches.add(first), world.batches.add(first._replace(model="other"))]
    assert first == world.batches.get(ID)


def test_replaced_by_the_next_revision_only(world: BatchWorld) -> None:
    """A record takes the place of the revision that it was made of, of no other, and of none."""
    batch = new_batch()
    started = begun(batch, NOW, NOW + 1)
    ended = cancelled(started, NOW)
    assert not world.batches.replace(started)
    world.batches.add(batch)
    assert [False, True, False, True] == [
        world.batches.replace(record) for record in (ended, started, started, ended)
    ]
    assert ended == world.batches.get(ID)


def test_races(world: BatchWorld) -> None:
    """Of many workers who made the same part at once one succeeds, and its part is kept."""
    candidates = [PART._replace(output=f"key-{number}") for number in range(8)]
    assert [] == world.batches.parts(ID)
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda part: world.batches.add_part(ID, part), candidates))
    assert 1 == won.count(True)
    assert candidates[won.index(True)] == world.batches.part(ID, PART.file, PART.start)


def test_parts_in_order(world: BatchWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts come by file and start, whatever they were written as, over any number of pages."""
    places = [(12, 5), (2, 10**12), (2, 9), (2, 10), (0, 0), (12, 0)]
    for file, start in places:
        assert world.batches.add_part(ID, PART._replace(file=file, start=start))
    world.batches.add_outcome(ID, DONE)
    query = world.aws.dynamodb.query
    monkeypatch.setattr(world.aws.dynamodb, "query", lambda **asked: query(**asked, Limit=2))
    assert sorted(places) == [(part.file, part.start) for part in world.batches.parts(ID)]
    assert [9, 10, 10**12] == [part.start for part in world.batches.parts(ID, 2)]
    assert [] == world.batches.parts(ID, 1)
    assert world.batches.part(ID, 2, 11) is None
    assert [] == world.batches.parts(str(uuid.UUID(int=1)))


def test_outcomes(world: BatchWorld) -> None:
    """The first outcome of a file counts; those that may pass are forgotten when that is asked for."""
    failures = [
        DONE._replace(number=2, output=None, error=PASSING),
        DONE._replace(number=1, output=None, error=LASTING),
    ]
    assert [True, True, True] == [world.batches.add_outcome(ID, outcome) for outcome in (DONE, *failures)]
    assert not world.batches.add_outcome(ID, DONE._replace(error=LASTING))
    assert [DONE, failures[1], failures[0]] == world.batches.outcomes(ID)
    assert [DONE, failures[1], None] == [world.batches.outcome(ID, number) for number in (0, 1, 3)]
    world.batches.forget_outcomes(ID)
    assert [DONE, failures[1]] == world.batches.outcomes(ID)


def test_attempts(world: BatchWorld) -> None:
    """Each chunk is counted by itself."""
    assert [1, 2, 3] == [world.batches.count_attempt(ID, 0, 7) for _ in range(3)]
    assert [1, 1] == [world.batches.count_attempt(ID, 1, 7), world.batches.count_attempt(ID, 0, 8)]


def test_deleted_some_day(world: BatchWorld) -> None:
    """All that is kept of a batch is deleted in the end, none before the batch's own time."""
    ended = cancelled(new_batch(), NOW + 5000)
    world.batches.add(ended)
    world.batches.add_part(ID, PART)
    world.batches.add_outcome(ID, DONE)
    world.batches.count_attempt(ID, 0, 0)
    names = ["batch", "part#00003#00000000000000000070", "file#00000", "attempt#00000#00000000000000000000"]
    seconds = [int(world.item(ID, name)["delete_at"]["N"]) - NOW // 1000 - RETENTION for name in names]
    assert [5, 0, 0, 0] == seconds


@pytest.mark.parametrize("limit", [1, 3, 20, 21])
def test_pages(world: BatchWorld, limit: int) -> None:
    """Pages of any length hold every batch once, newest first, and nothing of what belongs to batches."""
    added = [new_batch(number, NOW + number // 5) for number in range(20)]
    for batch in added:
        world.batches.add(batch)
        world.batches.add_part(batch.id, PART)
    found: list[Batch] = []
    after = None
    while True:
        page = world.batches.newest(after=after, limit=limit)
        found += page.records
        after = page.next
        if after is None:
            break
    assert sorted(added, key=lambda batch: batch.place, reverse=True) == found


def test_wrong_next(world: BatchWorld) -> None:
    """What no page gave is refused."""
    with pytest.raises(BadRequest, match="next: expected what the page before gave"):
        world.batches.newest(after="x", limit=1)


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("GetItem", lambda world: world.batches.get(ID)),
        ("PutItem", lambda world: world.batches.add_part(ID, PART)),
        ("Query", lambda world: world.batches.parts(ID)),
        ("Query", lambda world: world.batches.newest(after=None, limit=1)),
        ("UpdateItem", lambda world: world.batches.count_attempt(ID, 0, 0)),
    ],
)
def test_outages(world: BatchWorld, operation: str, call: Any) -> None:  # noqa: ANN401 - a call of the store
    """A table that does not answer is told as such."""
    assert world.batches.get(ID) is None
    with (
        refusing(operation, "ThrottlingException"),
        pytest.raises(ServiceUnavailable, match="the table of batches cannot be reached: it asks for fewer"),
    ):
        call(world)


def test_reserved_words(world: BatchWorld) -> None:
    """No expression holds a plain name: DynamoDB reserves hundreds of words; every read is consistent."""
    expressions: list[str] = []
    careless: list[object] = []

    def record(params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - of botocore
        expressions.extend(text for name, text in params.items() if name.endswith("Expression"))
        if model.name in {"GetItem", "Query"} and "IndexName" not in params:
            careless.extend([] if params.get("ConsistentRead") else [params])

    batch = new_batch()
    world.batches.add(batch)
    world.aws.dynamodb.meta.events.register("provide-client-params.dynamodb", record)
    world.batches.replace(batch)
    world.batches.get(ID)
    world.batches.add_outcome(ID, DONE._replace(error=PASSING))
    world.batches.forget_outcomes(ID)
    world.batches.part(ID, 0, 0)
    world.batches.outcome(ID, 0)
    world.batches.parts(ID, 0)
    world.batches.count_attempt(ID, 0, 0)
    world.batches.newest(after=batch.place, limit=1)
    words = {"attribute_not_exists", "begins_with", "AND", "ADD", "SET"}
    assert words == set(re.findall(r"(?<![#:\w])\w+", " ".join(expressions)))
    assert [] == careless


def test_states_survive(world: BatchWorld) -> None:
    """Each status is kept as itself."""
    for number, status in enumerate(Status):
        batch = new_batch(number)._replace(status=status)
        world.batches.add(batch)
        found = world.batches.get(batch.id)
        assert found is not None
        assert status is found.status
