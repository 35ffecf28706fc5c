"""The indexes over the records of jobs: each in eight parts, which are asked all at once."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched, chain
from typing import Any, NamedTuple

from triptych.adapters.aws_clients import AwsClients
from triptych.adapters.job_items import SHARDS, Item, named, serialized
from triptych.errors import ServiceUnavailable

_ROUNDS = 4
"""Queries of one part for one page: where jobs of one model are wanted, each may find little."""

_LOOKED_AT = 250
"""Entries that a query for the jobs of one model looks at: about 4 read units."""

_AT_ONCE = 100
"""Records that DynamoDB gives at once."""

_PAUSES = (0.05, 0.1, 0.2, 0.4)
"""Seconds before records are asked for again that DynamoDB left out, which is how it throttles here."""


class _Slice(NamedTuple):
    """The newest jobs of one part.

    Attributes:
        places: Where they stand among all jobs, newest first.
        end: Down to here nothing is missing; empty when nothing is missing at all.
    """

    places: Sequence[str]
    end: str


class JobIndex:
    """Finds jobs. Failures of AWS come out as they are.

    Args:
        clients: Calls AWS.
        table: Name of the table.
    """

    def __init__(self, clients: AwsClients, table: str) -> None:
        self._clients = clients
        self._table = table

    def newest(self, model: str | None, after: str | None, limit: int) -> tuple[Sequence[str], str | None]:
        """Finds the newest jobs.

        Args:
            model: Only jobs of this model.
            after: Only jobs beyond this place.
            limit: At most so many.

        Returns:
            Their ids, and the place beyond which there may be more; None when there are none.
        """
        slices = _each_shard(lambda shard: self._slice(shard, model, after, limit + 1))
        end = max(part.end for part in slices)  # beyond it, a part has more that was not looked at
        merged = heapq.merge(*(part.places for part in slices), reverse=True)
        known = [place for place in merged if place >= end]
        following = known[limit - 1] if len(known) > limit else end or None
        return [place.partition(".")[2] for place in known[:limit]], following

    def due(self, now: int, limit: int) -> Sequence[str]:
        """Finds the jobs that are due at a time, in milliseconds since 1970; the longest overdue first."""
        parts = _each_shard(lambda shard: self._due(shard, now, limit))
        found = sorted((int(item["due"]["N"]), item["id"]["S"]) for item in chain.from_iterable(parts))
        return [job_id for _, job_id in found[:limit]]

    def items(self, ids: Sequence[str]) -> Sequence[Item]:
        """Reads records, in the order of their ids; those that are gone are left out.

        Raises:
            ServiceUnavailable: DynamoDB leaves records out again and again.
        """
        unique = list(dict.fromkeys(ids))  # an index that lags may hold a job twice
        found = {
            item["id"]["S"]: item
            for some in batched(unique, _AT_ONCE, strict=False)
            for item in self._read(some)
        }
        return [found[job_id] for job_id in unique if job_id in found]

    def _slice(self, shard: str, model: str | None, after: str | None, limit: int) -> _Slice:
        query: dict[str, Any] = {"TableName": self._table, **_newest(shard, model, after, limit)}
        places: list[str] = []
        end = ""
        for _ in range(_ROUNDS):
            page: Any = self._clients.dynamodb.query(**query)
            places += [item["created_id"]["S"] for item in page["Items"]]
            last = page.get("LastEvaluatedKey")
            end = last["created_id"]["S"] if last else ""
            if not last or len(places) >= limit:
                break
            query["ExclusiveStartKey"] = last
        return _Slice(places, end)

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

    def _read(self, ids: Sequence[str]) -> Iterator[Item]:
        wanted: Any = {self._table: {"Keys": [serialized({"id": job_id}) for job_id in ids]}}
        for pause in (*_PAUSES, 0):
            answer: Any = self._clients.dynamodb.batch_get_item(RequestItems=wanted)
            yield from answer["Responses"].get(self._table, [])
            wanted = answer["UnprocessedKeys"]
            if not wanted:
                return
            time.sleep(pause)
        raise ServiceUnavailable("the table of jobs cannot be reached: it asks for fewer requests")


def _each_shard[Made](ask: Callable[[str], Made]) -> list[Made]:
    with ThreadPoolExecutor(len(SHARDS)) as pool:
        return list(pool.map(ask, SHARDS))


def _newest(shard: str, model: str | None, after: str | None, limit: int) -> dict[str, Any]:
    """Makes the query for the newest jobs of a part."""
    names = ["shard", *(["created_id"] if after else []), *(["model"] if model is not None else [])]
    query: dict[str, Any] = {
        "IndexName": "newest",
        "KeyConditionExpression": "#shard = :shard" + (" AND #created_id < :after" if after else ""),
        "ExpressionAttributeNames": named(*names),
        "ExpressionAttributeValues": serialized({":shard": shard, ":after": after, ":model": model}),
        "ScanIndexForward": False,
        "Limit": limit,
    }
    if model is not None:
        query |= {"FilterExpression": "#model = :model", "Limit": max(limit, _LOOKED_AT)}
    return query
