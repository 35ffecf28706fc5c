"""The index over records by age: in eight parts, which are asked all at once."""

from __future__ import annotations

import heapq
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import Any, NamedTuple

from triptych.aws.clients import AwsClients
from triptych.aws.errors import reaching
from triptych.aws.table import SHARDS, Item, named, serialized
from triptych.errors import BadRequest, ServiceUnavailable

_ROUNDS = 4
"""Queries of one part for one page: where records of one model are wanted, each may find little."""

_LOOKED_AT = 250
"""Entries that a query for the records of one model looks at: about 4 read units."""

_AT_ONCE = 100
"""Records that DynamoDB gives at once."""

_PLACE = re.compile(r"[0-9]{13,20}\.[0-9a-f-]{36}")

_PAUSES = (0.05, 0.1, 0.2, 0.4)
"""Seconds before records are asked for again that DynamoDB left out, which is how it throttles here."""


class _Slice(NamedTuple):
    """The newest records of one part.

    Attributes:
        places: Where they stand among all records, newest first.
        end: Down to here nothing is missing; empty when nothing is missing at all.
    """

    places: Sequence[str]
    end: str


class RecordIndex:
    """Finds records from the newest on. A place is where a record stands: its time and its id.

    Args:
        clients: Calls AWS.
        table: Name of the table.
        what: What it is called, such as `the table of jobs`.
        key: What the keys of all records have beside their ids.
    """

    def __init__(
        self, clients: AwsClients, table: str, what: str, key: Mapping[str, str] | None = None
    ) -> None:
        self._clients = clients
        self._table = table
        self._what = what
        self._key = key or {}

    def newest(
        self, after: str | None, limit: int, model: str | None = None
    ) -> tuple[Sequence[Item], str | None]:
        """Finds the newest records.

        Args:
            after: Only records beyond this place.
            limit: At most so many.
            model: Only records of this model.

        Returns:
            The records, and the place beyond which there may be more; None when there are none.

        Raises:
            BadRequest: `after` is no place.
            ServiceUnavailable: The table cannot be reached.
        """
        if after is not None and not _PLACE.fullmatch(after):
            raise BadRequest(f"next: expected what the page before gave, got {after[:64]!r}")
        with reaching(self._what):
            ids, following = self._newest(after, limit, model)
            return self._items(ids), following

    def _newest(self, after: str | None, limit: int, model: str | None) -> tuple[Sequence[str], str | None]:
        slices = each_shard(lambda shard: self._slice(shard, model, after, limit + 1))
        end = max(part.end for part in slices)  # beyond it, a part has more that was not looked at
        merged = heapq.merge(*(part.places for part in slices), reverse=True)
        known = [place for place in merged if place >= end]
        following = known[limit - 1] if len(known) > limit else end or None
        return [place.partition(".")[2] for place in known[:limit]], following

    def _items(self, ids: Sequence[str]) -> Sequence[Item]:
        """Reads records, in the order of their ids; those that are gone are left out."""
        unique = list(dict.fromkeys(ids))  # an index that lags may hold a record twice
        found = {
            item["id"]["S"]: item
            for some in batched(unique, _AT_ONCE, strict=False)
            for item in self._read(some)
        }
        return [found[identity] for identity in unique if identity in found]

    def _slice(self, shard: str, model: str | None, after: str | None, limit: int) -> _Slice:
        query: dict[str, Any] = {"TableName": self._table, **_query(shard, model, after, limit)}
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

    def _read(self, ids: Sequence[str]) -> Iterator[Item]:
        wanted: Any = {self._table: {"Keys": [serialized({"id": identity, **self._key}) for identity in ids]}}
        for pause in (*_PAUSES, 0):
            answer: Any = self._clients.dynamodb.batch_get_item(RequestItems=wanted)
            yield from answer["Responses"].get(self._table, [])
            wanted = answer["UnprocessedKeys"]
            if not wanted:
                return
            time.sleep(pause)
        raise ServiceUnavailable(f"{self._what} cannot be reached: it asks for fewer requests")


def each_shard[Made](ask: Callable[[str], Made]) -> list[Made]:
    """Asks all parts of an index at once; gives the answers in their order."""
    with ThreadPoolExecutor(len(SHARDS)) as pool:
        return list(pool.map(ask, SHARDS))


def _query(shard: str, model: str | None, after: str | None, limit: int) -> dict[str, Any]:
    """Makes the query for the newest records of a part."""
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
