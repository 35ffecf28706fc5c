"""Items of a DynamoDB table: read, changed by compare and swap on their revision, written in batches."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import batched, count
from typing import Any, cast

from botocore.exceptions import ClientError

from triptych.aws.clients import AwsClients
from triptych.aws.errors import error_code, except_codes, reaching
from triptych.aws.failures import THROTTLED
from triptych.clock import Deadline
from triptych.errors import DeadlineExceeded, ServiceUnavailable

type Item = dict[str, Any]
"""Attributes as DynamoDB writes them, such as `{"id": {"S": "..."}}`."""

type Key = Mapping[str, str]
"""Attributes of the table's key."""

MAX_WRITES = 25
"""Items that DynamoDB writes by one request."""

_REFUSED = {"ConditionalCheckFailedException"}
_MAX_READS = 100  # items that DynamoDB returns by one request
_PAUSES = (0.05, 0.1, 0.2, 0.4)
"""Seconds before items are asked for again that DynamoDB left out, which is how it throttles here."""

_FIRST_WAIT, _LONGEST_WAIT = 0.05, 5.0  # seconds
_DOUBLED = 7  # times that the first wait is doubled until it is the longest
_UNIT = 1024  # bytes of an item that one write unit pays for


def serialized(values: Mapping[str, object]) -> Item:
    """Writes values as DynamoDB accepts them; None is left out."""
    return {name: _attribute(value) for name, value in values.items() if value is not None}


def deserialized(item: Item) -> dict[str, Any]:
    """Reads values; numbers are decimals."""
    return {name: _value(attribute) for name, attribute in item.items()}


def named(*attributes: str) -> dict[str, str]:
    """Returns names with `#` for attributes in expressions, where hundreds of plain words are reserved."""
    return {f"#{attribute}": attribute for attribute in attributes}


_SCALARS: dict[type, str] = {bool: "BOOL", bytes: "B", Decimal: "N", float: "N", int: "N"}


def _attribute(value: object) -> dict[str, Any]:
    if value is None:
        return {"NULL": True}
    if isinstance(value, Mapping):
        return {"M": {name: _attribute(inner) for name, inner in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [_attribute(inner) for inner in value]}
    kind = _SCALARS.get(type(value), "S")
    return {kind: str(value) if kind == "N" else value}


def _value(attribute: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of any type
    ((kind, value),) = attribute.items()
    match kind:
        case "NULL":
            return None
        case "N":
            return Decimal(value)
        case "M":
            return deserialized(value)
        case "L":
            return [_value(inner) for inner in value]
        case _:
            return value


class Pacer:
    """Spreads so many writes a second evenly over time, and stops before a wait that would end too late."""

    def __init__(
        self,
        rate: float,
        deadline: Deadline,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._deadline = deadline
        self._sleep = sleep
        self._clock = clock
        self._next = clock()

    def wait(self, count: int) -> None:
        """Waits until this many writes are due; the first ones are due at once.

        Raises:
            DeadlineExceeded: They are due too late.
        """
        start = max(self._clock(), self._next)
        self._next = start + count / self._rate
        self.pause(start - self._clock())

    def pause(self, seconds: float) -> None:
        """Waits for some seconds.

        Raises:
            DeadlineExceeded: They end too late.
        """
        if self._clock() + seconds >= self._deadline.at:
            raise DeadlineExceeded(
                "there was not enough time to write the predictions for lookups; split the file, or raise "
                "LookupWritesPerSecond where the table takes more"
            )
        self._sleep(max(0.0, seconds))


class Table:
    """Reads and writes items of one table, which messages call such as `the table of jobs`.

    Reads are strongly consistent. Every method raises `ServiceUnavailable` when the table cannot be reached.
    """

    def __init__(self, clients: AwsClients, name: str, what: str) -> None:
        self._clients = clients
        self._name = name
        self.what = what

    def get(self, key: Key) -> Item | None:
        """Returns an item; None when there is none."""
        with reaching(self.what):
            found = self._clients.dynamodb.get_item(
                TableName=self._name, Key=serialized(key), ConsistentRead=True
            )
        return found.get("Item")

    def get_many(self, keys: Sequence[Key]) -> Iterator[Item]:
        """Returns items in any order; keys that have none are left out. They may lag."""
        with reaching(self.what):
            for some in batched(keys, _MAX_READS, strict=False):
                yield from self._read(some)

    def below(self, identity: str, prefix: str) -> Iterator[Item]:
        """Returns the items of an id whose attribute `item` begins so, in its order."""
        query: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "#id = :id AND begins_with(#item, :prefix)",
            "ExpressionAttributeNames": named("id", "item"),
            "ExpressionAttributeValues": serialized({":id": identity, ":prefix": prefix}),
            "ConsistentRead": True,
        }
        with reaching(self.what):
            for page in self._clients.dynamodb.get_paginator("query").paginate(**query):
                yield from page["Items"]

    def query(self, **query: Any) -> Any:  # noqa: ANN401 - of DynamoDB
        """Makes one query, such as of an index. Failures of AWS are raised as they are."""
        return self._clients.dynamodb.query(TableName=self._name, **query)

    def add(self, item: Item) -> bool:
        """Stores an item; returns False, and does nothing, when there is one with its key."""
        return self.swap(item, None) is item

    def swap(self, item: Item, revision: int | None) -> Item | None:
        """Replaces an item of a revision; None where there must be no item with its key.

        Returns:
            The item that is stored now: this one, or the one that is there instead; None when it is gone.
        """
        if revision is None:
            condition: dict[str, Any] = {
                "ConditionExpression": "attribute_not_exists(#id)",
                "ExpressionAttributeNames": named("id"),
            }
        else:
            condition = {
                "ConditionExpression": "#revision = :previous",
                "ExpressionAttributeNames": named("revision"),
                "ExpressionAttributeValues": serialized({":previous": revision}),
            }
        with reaching(self.what):
            try:
                self._clients.dynamodb.put_item(
                    TableName=self._name,
                    Item=item,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",  # saves a read
                    **condition,
                )
            except ClientError as error:
                except_codes(_REFUSED, error)
                answer: Any = error.response
                return cast("Item | None", answer.get("Item"))
        return item

    def remove(self, key: Key, revision: int) -> bool:
        """Deletes an item of a revision; returns False, and does nothing, when that is gone."""
        with reaching(self.what):
            try:
                self._clients.dynamodb.delete_item(
                    TableName=self._name,
                    Key=serialized(key),
                    ConditionExpression="#revision = :known",
                    ExpressionAttributeNames=named("revision"),
                    ExpressionAttributeValues=serialized({":known": revision}),
                )
            except ClientError as error:
                except_codes(_REFUSED, error)
                return False
        return True

    def delete(self, key: Key) -> None:
        """Deletes an item, if there is one."""
        with reaching(self.what):
            self._clients.dynamodb.delete_item(TableName=self._name, Key=serialized(key))

    def count(self, key: Key, attribute: str, delete_at: int) -> int:
        """Adds one to an attribute, and returns what it is then; an item that is not there is made.

        `delete_at`, when it may be deleted, is in seconds since 1970.
        """
        with reaching(self.what):
            answer: Any = self._clients.dynamodb.update_item(
                TableName=self._name,
                Key=serialized(key),
                UpdateExpression="ADD #counted :one SET #delete_at = :delete_at",
                ExpressionAttributeNames={"#counted": attribute, **named("delete_at")},
                ExpressionAttributeValues=serialized({":one": 1, ":delete_at": delete_at}),
                ReturnValues="UPDATED_NEW",
            )
        return int(answer["Attributes"][attribute]["N"])

    def write(self, items: Sequence[Item], pacer: Pacer) -> None:
        """Writes items, and those again for which DynamoDB had no capacity, as long as there is time.

        There are `MAX_WRITES` at most, each with a key of its own; they replace what is there.

        Raises:
            DeadlineExceeded: Time is up, and some of them may not be written.
        """
        left: Sequence[Any] = [{"PutRequest": {"Item": item}} for item in items]
        with reaching(self.what):
            for attempt in count():
                pacer.wait(sum(map(_units, left)))
                left = self._unprocessed(left)
                if not left:
                    return
                longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(attempt, _DOUBLED))
                pacer.pause(random.uniform(0, longest))  # noqa: S311 - no secret

    def _read(self, keys: Sequence[Key]) -> Iterator[Item]:
        wanted: Any = {self._name: {"Keys": [serialized(key) for key in keys]}}
        for pause in (*_PAUSES, 0):
            answer: Any = self._clients.dynamodb.batch_get_item(RequestItems=wanted)
            yield from answer["Responses"].get(self._name, [])
            wanted = answer["UnprocessedKeys"]
            if not wanted:
                return
            time.sleep(pause)
        raise ServiceUnavailable(f"{self.what} cannot be reached: it asks for fewer requests")

    def _unprocessed(self, requests: Sequence[Any]) -> Sequence[Any]:
        try:
            answer = self._clients.dynamodb.batch_write_item(RequestItems={self._name: requests})
        except ClientError as error:
            if error_code(error) in THROTTLED:  # instead of an answer, where it has no capacity for any
                return requests
            raise
        return answer["UnprocessedItems"].get(self._name, [])


def _units(request: Any) -> int:  # noqa: ANN401 - of boto3
    item = request["PutRequest"]["Item"]
    size = sum(len(name) + len(str(*value.values()).encode()) for name, value in item.items())
    return -(-size // _UNIT)
