"""Predictions that are looked up by key, in a DynamoDB table.

| attribute | for |
|---|---|
| id | partition key: model, `#`, key of the record |
| made | sort key: time of the batch, `#`, its id |
| version | version of the model |
| row | the predicted row, as JSON: text, for bytes are sent as a third more |
| labels | names of the entries of its lists, as JSON; missing where there are none |
| delete_at | time to live, in seconds since 1970 |

Of the items of a key the last by `made` counts, so a later batch wins whatever is written when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any, NamedTuple

import orjson

from triptych.aws.clients import AwsClients
from triptych.aws.errors import reaching
from triptych.aws.objects import ahead
from triptych.aws.table import MAX_WRITES, Item, Pacer, Table, deserialized, named
from triptych.clock import Clock, moment
from triptych.errors import BadRequest, NotFound
from triptych.inference.piece import Prediction
from triptych.protocol.names import model_name

TABLE = "the table of predictions"
MAX_ITEM = 400 << 10
"""Bytes of an item, with the names of its attributes."""

MAX_KEY = 2048
"""Bytes of an item's key."""

READERS = 8
"""Keys that are looked up at once."""

_DAY = 86_400
_NAMES = 64  # bytes: names of attributes, and numbers; somewhat more than they take


class Origin(NamedTuple):
    """Which model and batch made predictions.

    Attributes:
        at: When the batch was created, in milliseconds since 1970: of two predictions, the later counts.
    """

    model: str
    version: int
    batch: str
    at: int


class LookupRate(NamedTuple):
    """Writes a second of a whole stack, and how many workers share them.

    One half is for dropped files, the other for the chunks of a batch of the state machine. Batches that run
    at the same time do not know of each other: what is too much then, the table throttles.

    Attributes:
        total: Writes a second.
        uploads: Dropped files that are transformed at once, at most.
        chunks: Chunks of a batch that are transformed at once, at most.
    """

    total: float
    uploads: int
    chunks: int

    def of_upload(self) -> float:
        """Returns the writes a second of a worker that transforms a dropped file."""
        return self.total / 2 / self.uploads

    def of_chunk(self, chunks: int | None) -> float:
        """Returns the writes a second of a worker of a batch with so many chunks, or None where unknown."""
        return self.total / 2 / max(1, min(self.chunks, self.chunks if chunks is None else chunks))


class PredictionStore:
    """Stores predictions by key, which are kept for some days after their batch was created.

    Methods raise `ServiceUnavailable` when the table cannot be reached.
    """

    def __init__(self, clients: AwsClients, table: str, days: int, clock: Clock) -> None:
        self._table = Table(clients, table, TABLE)
        self._days = days
        self._clock = clock

    def put(self, predictions: Sequence[Prediction], origin: Origin, pacer: Pacer) -> None:
        """Stores predictions; of those with the same key the last one counts.

        Raises:
            BadRequest: A key or a row is larger than DynamoDB takes; those before it may have been stored.
            DeadlineExceeded: There was no time for all, at this pace; some may have been stored.
        """
        latest = {prediction.key: prediction for prediction in predictions}
        delete_at = origin.at // 1000 + self._days * _DAY
        for some in batched(latest.values(), MAX_WRITES, strict=False):
            self._table.write([_item(prediction, origin, delete_at) for prediction in some], pacer)

    def get(self, model: str, keys: Sequence[str]) -> Mapping[str, tuple[Prediction, Origin]]:
        """Returns the latest predictions of a model by key; keys that have none are left out."""
        with reaching(TABLE):
            found = ahead(lambda key: self._newest(model, key), dict.fromkeys(keys), READERS)
            return {known[0].key: known for known in found if known is not None}

    def _newest(self, model: str, key: str) -> tuple[Prediction, Origin] | None:
        if len(_id(model, key).encode()) > MAX_KEY:  # such a key was never stored
            return None
        items = self._table.query(
            KeyConditionExpression="#id = :id",
            ExpressionAttributeNames=named("id"),
            ExpressionAttributeValues={":id": {"S": _id(model, key)}},
            ScanIndexForward=False,
            Limit=1,
        )["Items"]
        alive = [item for item in map(deserialized, items) if item["delete_at"] * 1000 > self._clock()]
        return _prediction(model, key, alive[0]) if alive else None


def latest_prediction(predictions: PredictionStore, model: str, key: str) -> dict[str, Any]:
    """Describes the latest prediction for a key in JSON.

    Raises:
        NotFound: There is none, or no model can have this name.
    """
    found = predictions.get(model_name(model), [key])
    if key not in found:
        raise NotFound(
            f"model {model!r} has no prediction for the key {key[:200]!r}; "
            "batches whose options have a key and lookup=true make them"
        )
    return {"model_name": model, **_described(*found[key])}


def latest_predictions(predictions: PredictionStore, model: str, keys: Sequence[str]) -> dict[str, Any]:
    """Describes the latest predictions for keys in JSON, and lists the keys that have none.

    Raises:
        NotFound: No model can have this name.
    """
    found = predictions.get(model_name(model), keys)
    return {
        "model_name": model,
        "predictions": [_described(*found[key]) for key in keys if key in found],
        "missing": [key for key in keys if key not in found],
    }


def _id(model: str, key: str) -> str:
    return f"{model}#{key}"


def _item(prediction: Prediction, origin: Origin, delete_at: int) -> Item:
    identity, order = _id(origin.model, prediction.key), f"{origin.at:015d}#{origin.batch}"
    if len(identity.encode()) > MAX_KEY:
        raise BadRequest(f"the key {prediction.key[:40]!r}... is too long to be looked up")
    row, labels = orjson.dumps(prediction.row), orjson.dumps(dict(prediction.labels))
    if (size := len(row) + len(labels) + len(identity.encode()) + len(order) + _NAMES) > MAX_ITEM:
        raise BadRequest(
            f"the prediction for the key {prediction.key[:200]!r} has {size} bytes; "
            f"lookups take {MAX_ITEM} at most"
        )
    item: Item = {
        "id": {"S": identity},
        "made": {"S": order},
        "version": {"N": str(origin.version)},
        "row": {"S": row.decode()},
        "delete_at": {"N": str(delete_at)},
    }
    if prediction.labels:
        item["labels"] = {"S": labels.decode()}
    return item


def _prediction(model: str, key: str, item: Mapping[str, Any]) -> tuple[Prediction, Origin]:
    at, _, batch = item["made"].partition("#")
    prediction = Prediction(key, orjson.loads(item["row"]), orjson.loads(item.get("labels", "{}")))
    return prediction, Origin(model, int(item["version"]), batch, int(at))


def _described(prediction: Prediction, origin: Origin) -> dict[str, Any]:
    return {
        "key": prediction.key,
        "prediction": prediction.row,
        **({"labels": prediction.labels} if prediction.labels else {}),
        "model_version": str(origin.version),
        "batch": origin.batch,
        "batch_created_at": moment(origin.at),
    }
