"""What AWS charges for calls: requests by name, and DynamoDB's units of reads and writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.client import BaseClient

from tests.integration.job_world import table

_WRITE_UNIT, _READ_UNIT = 1024, 4096  # bytes of an item


@dataclass
class Meter:
    """Counts calls as they are charged.

    Attributes:
        calls: Calls by name of the operation.
        writes: Write units of the table of jobs and of its indexes.
        reads: Read units of strongly consistent reads of its items.
    """

    calls: Counter[str] = field(default_factory=Counter[str])
    writes: int = 0
    reads: int = 0
    _items: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    @contextmanager
    def counting(self) -> Generator[None]:
        """Counts all calls that are made meanwhile."""
        call = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001 - all calls pass here

        def counted(client: BaseClient, name: str, parameters: dict[str, Any]) -> Any:  # noqa: ANN401 - of any call
            answer = call(client, name, parameters)
            self._count(name, parameters, answer)
            return answer

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", counted)
            yield

    def _count(self, name: str, parameters: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        self.calls[name] += 1
        if name == "GetItem":
            self.reads += _units(answer.get("Item", {}), _READ_UNIT)
        if name == "PutItem":
            after = parameters["Item"]
            before = self._items.get(after["id"]["S"], {})
            self.writes += max(_units(before, _WRITE_UNIT), _units(after, _WRITE_UNIT))
            self.writes += sum(_index_writes(index, before, after) for index in _indexes())
            self._items[after["id"]["S"]] = after


def item_size(item: Mapping[str, Any]) -> int:
    """Returns the bytes of an item as DynamoDB counts them."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            return (len(content.lstrip("-")) + 1) // 2 + 1
        case "M":
            return 3 + len(content) + item_size(content)
        case _:
            return 1


def _units(item: Mapping[str, Any], unit: int) -> int:
    return max(1, -(-item_size(item) // unit))


def _indexes() -> list[tuple[list[str], list[str]]]:
    """Returns the keys of each index, and all of its attributes, as the template has them."""
    found: list[tuple[list[str], list[str]]] = []
    for index in table()["GlobalSecondaryIndexes"]:
        keys = [key["AttributeName"] for key in index["KeySchema"]]
        found.append((keys, [*keys, "id", *index["Projection"].get("NonKeyAttributes", [])]))
    return found


def _index_writes(
    index: tuple[list[str], list[str]], before: Mapping[str, Any], after: Mapping[str, Any]
) -> int:
    """Counts an entry that is put or deleted; one whose key changes is both."""
    keys, attributes = index
    old, new = (
        {name: item[name] for name in attributes if name in item} if item.keys() >= set(keys) else {}
        for item in (before, after)
    )
    if old == new:
        return 0
    moved = bool(old) and bool(new) and any(old[key] != new[key] for key in keys)
    return 2 if moved else max(_units(old, _WRITE_UNIT), _units(new, _WRITE_UNIT))
