"""Everything of batches that is kept in AWS, in this process."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from triptych.aws.clients import AwsClients
from triptych.batches.store import BatchStore

TABLE = "stack-batches"
RETENTION = 90 * 86_400
NOW = 1_767_225_600_000


class BatchWorld:
    """The table of batches, and the adapter over it; made when first needed."""

    def __init__(self) -> None:
        self.aws = AwsClients()

    @cached_property
    def batches(self) -> BatchStore:
        """Records in a table whose key is id and item, with the index by age."""
        self.aws.dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"}
                for name in ("id", "item", "shard", "created_id")
            ],
            KeySchema=_key("id", "item"),
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "newest",
                    "KeySchema": _key("shard", "created_id"),
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )
        return BatchStore(self.aws, TABLE, RETENTION, lambda: NOW)

    def item(self, batch_id: str, item: str) -> dict[str, Any]:
        """Returns the attributes of an item as DynamoDB has them."""
        key = {"id": {"S": batch_id}, "item": {"S": item}}
        return self.aws.dynamodb.get_item(TableName=TABLE, Key=key)["Item"]


def _key(partition: str, sort: str) -> list[Any]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]
