"""Indexes of a table by age and by due time: in eight shards, which are queried all at once.

| index | partition key | sort key |
|---|---|---|
| newest | shard | created_id: the position of a record, its time and its id |
| due | due_shard | due: milliseconds since 1970 |
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any, Final

from triptych.aws.errors import reaching
from triptych.aws.table import Item, Table, named, serialized
from triptych.errors import BadRequest

SHARDS: Final = tuple("01234567")
"""Partition keys of the indexes: each takes a thousand writes a second."""

_ROUNDS = 4
"""Queries of one shard for one page: where records of one model are listed, each may find few."""

_LOOKED_AT = 250
"""Entries that a query for the records of one model reads: about 4 read units."""

_POSITION = re.compile(r"[0-9]{13,20}\.[0-9a-f-]{36}")


def shard(identity: str) -> str:
    """Returns the shard of a record, by its id."""
    return SHARDS[int(identity[-1], 16) % len(SHARDS)]


class RecordIndex:
    """Finds the records of a table, which may lag. `ServiceUnavailable` when the table cannot be reached.

    `key` holds the attributes of the keys of all records beside their ids.
    """

    def __init__(self, table: Table, key: Mapping[str, str] | None = None) -> None:
        self._table = table
        self._key = key or {}

    def newest(
        self, after: str | None, limit: int, model: str | None = None
    ) -> tuple[Sequence[Item], str | None]:
        """Finds the newest records beyond a position, of all models or of one.

        Returns:
            The records, and the position beyond which there may be more; None when there are none.

        Raises:
            BadRequest: `after` is no position.
        """
        if after is not None and not _POSITION.fullmatch(after):
            raise BadRequest(f"next: expected what the page before gave, got {after[:64]!r}")
        with reaching(self._table.what):
            slices = _each_shard(lambda shard: self._slice(shard, model, after, limit + 1))
        end = max(end for _, end in slices)  # beyond it, a shard has more that was not read
        merged = heapq.merge(*(positions for positions, _ in slices), reverse=True)
        known = [position for position in merged if position >= end]
        following = known[limit - 1] if len(known) > limit else end or None
        return self._records([position.partition(".")[2] for position in known[:limit]]), following

    def due(self, now: int, limit: int) -> Sequence[str]:
        """Finds the ids of records that are due at `now`, the longest overdue first."""
        query: dict[str, Any] = {
            "IndexName": "due",
            "KeyConditionExpression": "#due_shard = :shard AND #due <= :now",
            "ExpressionAttributeNames": named("due_shard", "due"),
            "Limit": limit,
        }
        with reaching(self._table.what):
            pages = _each_shard(
                lambda shard: self._table.query(
                    **query, ExpressionAttributeValues=serialized({":shard": shard, ":now": now})
                )
            )
        items = chain.from_iterable(page["Items"] for page in pages)
        found = sorted((int(item["due"]["N"]), str(item["id"]["S"])) for item in items)
        return [identity for _, identity in found[:limit]]

    def _records(self, ids: Sequence[str]) -> Sequence[Item]:
        """Reads records, in the order of their ids; those that are gone are left out."""
        unique = list(dict.fromkeys(ids))  # an index that lags may hold a record twice
        keys = [{"id": identity, **self._key} for identity in unique]
        found = {item["id"]["S"]: item for item in self._table.get_many(keys)}
        return [found[identity] for identity in unique if identity in found]

    def _slice(
        self, shard: str, model: str | None, after: str | None, limit: int
    ) -> tuple[Sequence[str], str]:
        """Finds the newest positions of a shard, and the one down to which none is missing; empty for all."""
        query = _newest_query(shard, model, after, limit)
        positions: list[str] = []
        end = ""
        for _ in range(_ROUNDS):
            page = self._table.query(**query)
            positions += [item["created_id"]["S"] for item in page["Items"]]
            last = page.get("LastEvaluatedKey")
            end = last["created_id"]["S"] if last else ""
            if not last or len(positions) >= limit:
                break
            query["ExclusiveStartKey"] = last
        return positions, end


def _each_shard[Made](ask: Callable[[str], Made]) -> list[Made]:
    """Asks all shards at once; returns the answers in their order."""
    with ThreadPoolExecutor(len(SHARDS)) as pool:
        return list(pool.map(ask, SHARDS))


def _newest_query(shard: str, model: str | None, after: str | None, limit: int) -> dict[str, Any]:
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
