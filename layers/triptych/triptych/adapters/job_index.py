"""The index over the records of jobs by what is due: in eight parts, which are asked all at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from triptych.adapters.aws_clients import AwsClients
from triptych.adapters.dynamodb_items import Item, named, serialized
from triptych.adapters.record_index import each_shard


class DueIndex:
    """Finds jobs that are due. Failures of AWS come out as they are.

    Args:
        clients: Calls AWS.
        table: Name of the table.
    """

    def __init__(self, clients: AwsClients, table: str) -> None:
        self._clients = clients
        self._table = table

    def due(self, now: int, limit: int) -> Sequence[str]:
        """Finds the jobs that are due at a time, in milliseconds since 1970; the longest overdue first."""
        parts = each_shard(lambda shard: self._due(shard, now, limit))
        found = sorted((int(item["due"]["N"]), item["id"]["S"]) for item in chain.from_iterable(parts))
        return [job_id for _, job_id in found[:limit]]

    def _due(self, shard: str, now: int, limit: int) -> Sequence[Item]:
        page: Any = self._clients.dynamodb.query(
            TableName=self._table,
            IndexName="due",
            KeyConditionExpression="#due_shard = :shard AND #due <= :now",
            ExpressionAttributeNames=named("due_shard", "due"),
            ExpressionAttributeValues=serialized({":shard": shard, ":now": now}),
            Limit=limit,
        )
        items: Sequence[Item] = page["Items"]
        return items
