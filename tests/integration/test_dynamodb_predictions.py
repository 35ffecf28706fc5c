"""Predictions in a DynamoDB table."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from botocore.client import BaseClient
from triptych.aws.clients import AwsClients
from triptych.aws.table import Pacer
from triptych.batches.lookup import MAX_ITEM, Origin, PredictionStore
from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded, ServiceUnavailable
from triptych.inference.piece import Prediction

from tests.integration.outages import NO_ANSWER, refusing
from tests.unit.fakes.clock import Clock

TABLE = "stack-predictions"
NOW = 1_767_225_600_000
DAY = 86_400_000
EARLY = Origin("iris", 2, "batch-1", NOW - 2000)
LATE = Origin("iris", 3, "batch-2", NOW - 1000)

type MakeApiCall = Callable[[BaseClient, str, dict[str, Any]], Any]


class PredictionWorld:
    """The table of predictions, and the store over it."""

    def __init__(self) -> None:
        self.aws = AwsClients()
        self.now = NOW
        self.clock = Clock()
        self.pacer = Pacer(1e9, Deadline(self.clock.now + 60), self.clock.advance, self.clock)
        self.aws.dynamodb.create_table(
            TableName=TABLE,
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "made")],
            KeySchema=[
                {"AttributeName": "id", "KeyType": "HASH"},
                {"AttributeName": "made", "KeyType": "RANGE"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        self.store = PredictionStore(self.aws, TABLE, 30, lambda: self.now)

    def put(self, predictions: Sequence[Prediction], made: Origin) -> None:
        """Keeps predictions, in a minute at most."""
        self.store.put(predictions, made, self.pacer)

    def items(self) -> list[dict[str, Any]]:
        """Returns all items as DynamoDB has them."""
        return [dict(item) for item in self.aws.dynamodb.scan(TableName=TABLE)["Items"]]


@pytest.fixture
def world(aws: None) -> PredictionWorld:  # noqa: ARG001 - it is created there
    """An empty table."""
    return PredictionWorld()


def test_kept_and_found(world: PredictionWorld) -> None:
    """Predictions are found by key with who made them, values as they were; keys without one are left out."""
    row = {"label": "ä", "scores": [0.1, 1e-30, None, 2**53], "name": True}
    labels = {"scores": ["a", "b"]}
    kept = [Prediction(f"k#{number}", {**row, "number": number}, labels) for number in range(60)]
    world.put(kept, EARLY)
    found = world.store.get("iris", ["k#59", "missing", "k#0", "k#59", "", "x" * 3000])
    assert {"k#59": (kept[59], EARLY), "k#0": (kept[0], EARLY)} == found
    assert world.store.get("other", ["k#0"]) == {}
    assert world.store.get("iris", []) == {}


@pytest.mark.parametrize("order", [(EARLY, LATE), (LATE, EARLY), (LATE, EARLY, LATE)])
def test_later_batch_counts(world: PredictionWorld, order: tuple[Origin, ...]) -> None:
    """Of two batches the one that was handed over later counts, in whatever order they write."""
    for made in order:
        world.put([Prediction("k", {"batch": made.batch})], made)
    assert {"k": (Prediction("k", {"batch": "batch-2"}), LATE)} == world.store.get("iris", ["k"])


def test_same_key_twice(world: PredictionWorld) -> None:
    """Of two records with the same key in one batch the last one counts."""
    world.put([Prediction("k", {"n": 1}), Prediction("j", {"n": 2}), Prediction("k", {"n": 3})], EARLY)
    assert {"k": {"n": 3}, "j": {"n": 2}} == {
        key: prediction.row for key, (prediction, _) in world.store.get("iris", ["j", "k"]).items()
    }


def test_kept_for_a_while(world: PredictionWorld) -> None:
    """Predictions say when DynamoDB may delete them, and are not found from then on."""
    world.put([Prediction("k", {"n": 1})], EARLY)
    assert [str((EARLY.at + 30 * DAY) // 1000)] == [item["delete_at"]["N"] for item in world.items()]
    world.now = EARLY.at + 30 * DAY - 1
    assert list(world.store.get("iris", ["k"])) == ["k"]
    world.now += 1
    assert world.store.get("iris", ["k"]) == {}


def test_too_large(world: PredictionWorld) -> None:
    """A row or a key that DynamoDB does not take is refused, and told; large ones are taken."""
    with pytest.raises(BadRequest, match=f"'k' has 4[0-9]+ bytes; lookups take {MAX_ITEM} at most"):
        world.put([Prediction("k", {"text": "x" * MAX_ITEM})], EARLY)
    with pytest.raises(BadRequest, match="too long to be looked up"):
        world.put([Prediction("k" * 2048, {})], EARLY)
    world.put([Prediction("k", {"text": "x" * (MAX_ITEM - 5000)})], EARLY)
    assert list(world.store.get("iris", ["k"])) == ["k"]


def partly(world: PredictionWorld, monkeypatch: pytest.MonkeyPatch, kept: int) -> list[int]:
    """Lets DynamoDB keep only so many items of each request; gives the sizes of requests."""
    call: MakeApiCall = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001 - all calls pass it
    sizes: list[int] = []

    def answer(client: BaseClient, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if name != "BatchWriteItem":
            return dict(call(client, name, parameters))
        wanted = parameters["RequestItems"][TABLE]
        sizes.append(len(wanted))
        if kept:
            call(client, name, {"RequestItems": {TABLE: wanted[:kept]}})
        left = wanted[kept:]
        return {"UnprocessedItems": {TABLE: left} if left else {}}

    monkeypatch.setattr(BaseClient, "_make_api_call", answer)
    assert world.items() == []
    return sizes


def test_unprocessed_items(world: PredictionWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """What DynamoDB had no capacity for is written again, after growing waits."""
    sizes = partly(world, monkeypatch, 10)
    world.put([Prediction(f"{number}", {}) for number in range(27)], EARLY)
    assert [25, 15, 5, 2] == sizes
    assert len(world.items()) == 27
    assert 1000 <= world.clock.now <= 1000.4


@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"]
)
def test_everything_throttled(world: PredictionWorld, code: str) -> None:
    """A request of which DynamoDB takes nothing is an error there; it is tried again like any other."""
    with refusing("BatchWriteItem", code, times=12):
        world.put([Prediction(f"{number}", {}) for number in range(27)], EARLY)
    assert len(world.items()) == 27
    assert 1000 < world.clock.now < 1060


def test_no_capacity(world: PredictionWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that takes nothing is asked as long as there is time, and no longer."""
    sizes = partly(world, monkeypatch, 0)
    with pytest.raises(DeadlineExceeded, match="not enough time to write the predictions for lookups"):
        world.put([Prediction("k", {})], EARLY)
    assert 12 < len(sizes)
    assert 1055 <= world.clock.now < 1060


def test_large_rows_take_more(world: PredictionWorld) -> None:
    """A row of more than a kilobyte counts as often as DynamoDB does."""
    pacer = Pacer(1, Deadline(world.clock.now + 60), world.clock.advance, world.clock)
    large = Prediction("large", {"text": "x" * 2500})
    world.store.put([Prediction("small", {}), large], EARLY, pacer)
    world.store.put([Prediction("next", {})], EARLY, pacer)
    assert world.clock.now == 1004


@pytest.mark.parametrize("code", ["AccessDeniedException", NO_ANSWER])
def test_outages(world: PredictionWorld, code: str) -> None:
    """A table that refuses or does not answer is told, in words that do not name it."""
    with refusing("BatchWriteItem", code), pytest.raises(ServiceUnavailable) as told:
        world.put([Prediction("k", {})], EARLY)
    assert "secret-name" not in str(told.value)
    with refusing("Query", code), pytest.raises(ServiceUnavailable, match="table of predictions"):
        world.store.get("iris", ["k"])
