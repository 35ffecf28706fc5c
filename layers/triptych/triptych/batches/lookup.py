"""Predictions that are looked up by key, in a DynamoDB table.

| attribute | for |
|---|---|
| id | the key of the table: model, `#`, key of the record |
| made | the order of predictions for a key: time of the batch, `#`, its id |
| version | version of the model |
| row | the predicted row, as JSON: text, for bytes are sent as a third more |
| labels | names of the entries of its lists, as JSON; missing where there are none |
| delete_at | time to live, in seconds since 1970 |

A later batch wins for each key whatever is written when: of the items of a key, the last by `made` counts.

How fast predictions are written to the table that they are looked up in.

Looking predictions up that batches made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from triptych.aws.ahead import ahead
from triptych.aws.clients import AwsClients, reaching
from triptych.aws.pacer import Pacer
from triptych.aws.table import LIMIT, deserialized, named, write_items
from triptych.clock import Clock, moment
from triptych.errors import BadRequest, NotFound
from triptych.inference.piece import Made, Prediction, PredictionStore
from triptych.protocol.names import model_name

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

TABLE = "the table of predictions"
MAX_ITEM = 400 << 10
"""Bytes of an item, with the names of its attributes."""

MAX_KEY = 2048
"""Bytes of an item's key."""

READERS = 8
"""Keys that are looked up at once."""

_DAY = 86_400
_NAMES = 64  # bytes: names of attributes, and numbers; somewhat more than they take


class DynamoPredictions:
    """Keeps predictions.

    Args:
        clients: Calls AWS.
        table: Name of the table.
        days: How long predictions are kept after their batch was handed over.
        clock: Gives the time.
    """

    def __init__(self, clients: AwsClients, table: str, days: int, clock: Clock) -> None:
        self._clients = clients
        self._table = table
        self._days = days
        self._clock = clock

    def put(self, predictions: Sequence[Prediction], made: Made, pacer: Pacer) -> None:
        """Keeps predictions; of those with the same key the last one counts.

        Raises:
            BadRequest: A key or a row is larger than DynamoDB takes; those before it may have been kept.
            DeadlineExceeded: There was no time for all, at this pace; some may have been kept.
            ServiceUnavailable: The table cannot be reached; some may have been kept.
        """
        latest = {prediction.key: prediction for prediction in predictions}
        delete_at = made.at // 1000 + self._days * _DAY
        for some in batched(latest.values(), LIMIT, strict=False):
            items = [_item(prediction, made, delete_at) for prediction in some]
            with reaching(TABLE):
                write_items(self._clients, self._table, items, pacer)

    def get(self, model: str, keys: Sequence[str]) -> Mapping[str, tuple[Prediction, Made]]:
        """Gives the latest predictions of a model by key; keys that have none are left out.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        with reaching(TABLE):
            found = ahead(lambda key: self._newest(model, key), dict.fromkeys(keys), READERS)
            return {prediction.key: (prediction, made) for prediction, made in _some(found)}

    def _newest(self, model: str, key: str) -> tuple[Prediction, Made] | None:
        if len(_id(model, key).encode()) > MAX_KEY:  # none was kept
            return None
        items = self._clients.dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="#id = :id",
            ExpressionAttributeNames=named("id"),
            ExpressionAttributeValues={":id": {"S": _id(model, key)}},
            ScanIndexForward=False,
            Limit=1,
        )["Items"]
        alive = [item for item in map(deserialized, items) if item["delete_at"] * 1000 > self._clock()]
        return _prediction(model, key, alive[0]) if alive else None


def _some[T](found: Iterator[T | None]) -> Iterator[T]:
    return (each for each in found if each is not None)


def _id(model: str, key: str) -> str:
    return f"{model}#{key}"


def _item(prediction: Prediction, made: Made, delete_at: int) -> dict[str, AttributeValueTypeDef]:
    identity, order = _id(made.model, prediction.key), f"{made.at:015d}#{made.batch}"
    if len(identity.encode()) > MAX_KEY:
        raise BadRequest(f"the key {prediction.key[:40]!r}... is too long to be looked up")
    row, labels = orjson.dumps(prediction.row), orjson.dumps(dict(prediction.labels))
    if (size := len(row) + len(labels) + len(identity.encode()) + len(order) + _NAMES) > MAX_ITEM:
        raise BadRequest(
            f"the prediction for the key {prediction.key[:200]!r} has {size} bytes; "
            f"lookups take {MAX_ITEM} at most"
        )
    item: dict[str, AttributeValueTypeDef] = {
        "id": {"S": identity},
        "made": {"S": order},
        "version": {"N": str(made.version)},
        "row": {"S": row.decode()},
        "delete_at": {"N": str(delete_at)},
    }
    if prediction.labels:
        item["labels"] = {"S": labels.decode()}
    return item


def _prediction(model: str, key: str, item: Mapping[str, Any]) -> tuple[Prediction, Made]:
    at, _, batch = item["made"].partition("#")
    made = Made(model, int(item["version"]), batch, int(at))
    return Prediction(key, orjson.loads(item["row"]), orjson.loads(item.get("labels", "{}"))), made


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
        """Writes a second of a worker that transforms a dropped file."""
        return self.total / 2 / self.uploads

    def of_chunk(self, chunks: int | None) -> float:
        """Writes a second of a worker that transforms a chunk.

        Args:
            chunks: How many the batch has; None where that is not known.
        """
        return self.total / 2 / max(1, min(self.chunks, self.chunks if chunks is None else chunks))


class Lookup:
    """Looks predictions up by key.

    Args:
        predictions: Keeps them.
    """

    def __init__(self, predictions: PredictionStore) -> None:
        self._predictions = predictions

    def one(self, model: str, key: str) -> dict[str, Any]:
        """Describes the latest prediction for a key in JSON.

        Raises:
            NotFound: There is none, or no model can have this name.
            ServiceUnavailable: Predictions cannot be reached.
        """
        found = self._found(model, [key])
        if key not in found:
            raise NotFound(
                f"model {model!r} has no prediction for the key {key[:200]!r}; "
                "batches whose options have a key and lookup=true make them"
            )
        return {"model_name": model, **_described(*found[key])}

    def many(self, model: str, keys: Sequence[str]) -> dict[str, Any]:
        """Describes the latest predictions for keys in JSON, and lists the keys that have none.

        Raises:
            NotFound: No model can have this name.
            ServiceUnavailable: Predictions cannot be reached.
        """
        found = self._found(model, keys)
        return {
            "model_name": model,
            "predictions": [_described(*found[key]) for key in keys if key in found],
            "missing": [key for key in keys if key not in found],
        }

    def _found(self, model: str, keys: Sequence[str]) -> Mapping[str, tuple[Prediction, Made]]:
        return self._predictions.get(model_name(model), keys)


def _described(prediction: Prediction, made: Made) -> dict[str, Any]:
    return {
        "key": prediction.key,
        "prediction": prediction.row,
        **({"labels": prediction.labels} if prediction.labels else {}),
        "model_version": str(made.version),
        "batch": made.batch,
        "batch_created_at": moment(made.at),
    }
