"""Records in a DynamoDB table, which change only if they are still what their writer read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from triptych.adapters.aws_clients import AwsClients
from triptych.adapters.aws_errors import error_code, reaching
from triptych.adapters.dynamodb_items import Item, named, serialized

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

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
