"""Values as DynamoDB writes them, and the parts of its indexes.

Records in a DynamoDB table, which change only if they are still what their writer read.

Items written to DynamoDB, some at a time, at an even pace.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from triptych.aws.clients import AwsClients
from triptych.aws.errors import THROTTLED, error_code, reaching
from triptych.clock import Deadline
from triptych.errors import DeadlineExceeded

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]
"""Attributes as DynamoDB writes them, such as `{"id": {"S": "..."}}`."""

SHARDS: Final = tuple("01234567")
"""Parts of the indexes: the key of an index takes a thousand writes a second."""

_SERIALIZE = TypeSerializer().serialize
_DESERIALIZE = TypeDeserializer().deserialize


def shard(identity: str) -> str:
    """Gives the part of the indexes that a record is in, by its id."""
    return SHARDS[int(identity[-1], 16) % len(SHARDS)]


def serialized(values: Mapping[str, object]) -> Item:
    """Writes values as DynamoDB takes them; None is left out."""
    return {name: _SERIALIZE(_decimal(value)) for name, value in values.items() if value is not None}


def deserialized(item: Item) -> dict[str, Any]:
    """Reads values; numbers are decimals."""
    return {name: _DESERIALIZE(value) for name, value in item.items()}


def named(*attributes: str) -> dict[str, str]:
    """Gives names with `#` for attributes in expressions, where hundreds of plain words are reserved."""
    return {f"#{attribute}": attribute for attribute in attributes}


def _decimal(value: object) -> object:
    """Gives decimals for floats, which DynamoDB does not take."""
    if isinstance(value, Mapping):
        return {name: _decimal(inner) for name, inner in value.items()}
    return Decimal(repr(value)) if isinstance(value, float) else value


type Key = Mapping[str, str]
"""Attributes of the table's key."""


class RecordTable:
    """Reads and writes items. What was written last is read.

    Every method raises `ServiceUnavailable` when the table cannot be reached.

    Args:
        clients: Calls AWS.
        name: Name of the table.
        what: What it is called, such as `the table of jobs`.

    Attributes:
        what: What it is called.
    """

    def __init__(self, clients: AwsClients, name: str, what: str) -> None:
        self._clients = clients
        self._name = name
        self.what = what

    @property
    def _client(self) -> DynamoDBClient:
        return self._clients.dynamodb

    def get(self, key: Key) -> Item | None:
        """Gives an item; None when there is none."""
        with reaching(self.what):
            found = self._client.get_item(TableName=self._name, Key=serialized(key), ConsistentRead=True)
        return found.get("Item")

    def below(self, identity: str, prefix: str) -> Iterator[Item]:
        """Gives the items of an id whose attribute `item` begins so, in its order."""
        query: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "#id = :id AND begins_with(#item, :prefix)",
            "ExpressionAttributeNames": named("id", "item"),
            "ExpressionAttributeValues": serialized({":id": identity, ":prefix": prefix}),
            "ConsistentRead": True,
        }
        with reaching(self.what):
            for page in self._client.get_paginator("query").paginate(**query):
                yield from page["Items"]

    def add(self, item: Item) -> bool:
        """Keeps an item; False, and nothing is done, when there is one with its key."""
        return self._put(item, "attribute_not_exists(#id)", named("id"))

    def replace(self, item: Item, revision: int) -> bool:
        """Puts an item in place of one of a revision; False, and nothing is done, when that is not there."""
        return self._put(item, "#revision = :previous", named("revision"), {":previous": revision})

    def remove(self, key: Key, revision: int) -> bool:
        """Removes an item of a revision; False, and nothing is done, when that is not there."""
        with reaching(self.what):
            try:
                self._client.delete_item(
                    TableName=self._name,
                    Key=serialized(key),
                    ConditionExpression="#revision = :known",
                    ExpressionAttributeNames=named("revision"),
                    ExpressionAttributeValues=serialized({":known": revision}),
                )
            except ClientError as error:
                return _refused(error)
        return True

    def forget(self, key: Key) -> None:
        """Removes an item, if there is one."""
        with reaching(self.what):
            self._client.delete_item(TableName=self._name, Key=serialized(key))

    def count(self, key: Key, attribute: str, delete_at: int) -> int:
        """Adds one to an attribute, and gives what it is then.

        Args:
            key: Key of the item, which is made if it is not there.
            attribute: What counts.
            delete_at: When the item may be deleted, in seconds since 1970.
        """
        with reaching(self.what):
            answer: Any = self._client.update_item(
                TableName=self._name,
                Key=serialized(key),
                UpdateExpression="ADD #counted :one SET #delete_at = :delete_at",
                ExpressionAttributeNames={"#counted": attribute, **named("delete_at")},
                ExpressionAttributeValues=serialized({":one": 1, ":delete_at": delete_at}),
                ReturnValues="UPDATED_NEW",
            )
        return int(answer["Attributes"][attribute]["N"])

    def _put(
        self, item: Item, condition: str, names: dict[str, str], values: dict[str, int] | None = None
    ) -> bool:
        optional: dict[str, Any] = {"ExpressionAttributeValues": serialized(values)} if values else {}
        with reaching(self.what):
            try:
                self._client.put_item(
                    TableName=self._name,
                    Item=item,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    **optional,
                )
            except ClientError as error:
                return _refused(error)
        return True


def _refused(error: ClientError) -> bool:
    """Gives False if the condition did not hold, and raises what else there is."""
    if error_code(error) != "ConditionalCheckFailedException":
        raise error
    return False


LIMIT = 25
"""Items of one request at most."""

_FIRST_WAIT, _LONGEST_WAIT = 0.05, 5.0  # seconds
_DOUBLED = 7  # times that the first wait is doubled until it is the longest
_UNIT = 1024  # bytes of an item that one write unit pays for


class Pacer:
    """Spreads writes evenly over time, and stops before a wait that would end too late.

    Args:
        rate: Writes a second.
        deadline: When the last wait must have ended.
        sleep: Waits for some seconds.
        clock: The clock of the deadline.
    """

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


def write_items(clients: AwsClients, table: str, items: Sequence[Mapping[str, Any]], pacer: Pacer) -> None:
    """Writes items, and those again for which DynamoDB had no capacity, as long as there is time.

    Args:
        clients: Calls AWS.
        table: Name of the table.
        items: `LIMIT` of them at most, each with a key of its own.
        pacer: Says when so many write units are due.

    Raises:
        ClientError: DynamoDB refuses.
        BotoCoreError: DynamoDB cannot be reached.
        DeadlineExceeded: Time is up, and some of them may not be written.
    """
    left: Sequence[Any] = [{"PutRequest": {"Item": item}} for item in items]
    for attempt in count():
        pacer.wait(sum(map(_units, left)))
        left = _unprocessed(clients, table, left)
        if not left:
            return
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(attempt, _DOUBLED))
        pacer.pause(random.uniform(0, longest))  # noqa: S311 - no secret


def _unprocessed(clients: AwsClients, table: str, requests: Sequence[Any]) -> Sequence[Any]:
    try:
        answer = clients.dynamodb.batch_write_item(RequestItems={table: requests})
    except ClientError as error:
        if error_code(error) in THROTTLED:  # instead of an answer, where it has no capacity for any
            return requests
        raise
    return answer["UnprocessedItems"].get(table, [])


def _units(request: Any) -> int:  # noqa: ANN401 - as boto3 takes and gives it
    item = request["PutRequest"]["Item"]
    size = sum(len(name) + len(str(*value.values()).encode()) for name, value in item.items())
    return -(-size // _UNIT)
