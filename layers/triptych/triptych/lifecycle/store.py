"""The records of jobs and of batches: stored in DynamoDB, changed by compare and swap on their revision.

A record is stored as plain values. What is None is left out; names that a record does not know are ignored,
as a later release may write them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, NamedTuple, NoReturn, cast, get_args, get_origin, get_type_hints

from triptych.aws.index import RecordIndex, shard
from triptych.aws.table import Item, Table, deserialized, serialized
from triptych.errors import NotFound, ServiceUnavailable
from triptych.lifecycle.record import Record


def plain(record: object) -> dict[str, Any]:
    """Returns the fields of a NamedTuple by name: maps for records in it, lists for tuples."""
    fields = cast("NamedTuple", record)._asdict().items()
    return {name: _plain(value) for name, value in fields if value is not None}


def record_of[Record](kind: type[Record], values: object) -> Record:
    """Returns the record of what `plain` returned, perhaps from a store that has numbers of its own.

    Raises:
        ValueError: These are not the fields of such a record.
    """
    if not isinstance(values, Mapping):
        _refuse(kind, values)
    record_type: Any = kind
    hints, defaults = _hints(record_type), record_type._field_defaults
    fields: dict[str, Any] = {}
    for name, hint in hints.items():
        if values.get(name) is not None:
            fields[name] = _value(hint, values[name])
        elif name not in defaults:
            fields[name] = None if type(None) in get_args(hint) else _refuse(kind, values)
    record: Record = record_type(**fields)
    return record


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return plain(cast("NamedTuple", value)) if hasattr(value, "_fields") else [_plain(v) for v in value]
    return value.value if isinstance(value, StrEnum) else value


def _value(hint: Any, value: Any) -> object:  # noqa: ANN401 - a type, and what a store gave
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], entry) for entry in value)
    kind = next(iter({*get_args(hint)} - {type(None)}), hint)
    if hasattr(kind, "_fields"):
        return record_of(kind, value)
    if kind is bool and not isinstance(value, bool):
        _refuse(kind, value)
    return kind(value)


def _refuse(kind: type, value: object) -> NoReturn:
    raise ValueError(f"expected a {kind.__name__}, got {str(value)[:80]!r}")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


_TRIES = 5
"""How often a move reads a record again because somebody else changed it: few do."""

_PAGE, _PAGES = 100, 3
"""Records of a page that a search reads, and pages that it reads for one of its own."""


class Page[Some](NamedTuple):
    """A page of a list, and the token of the next one; None when there is none."""

    records: Sequence[Some]
    next: str | None


class RecordStore[Some: Record]:
    """Stores records; a read returns what was written last, except for lists, which may lag.

    Every method raises `ServiceUnavailable` when the table cannot be reached.
    """

    kind: type[Some]
    """Type of the records."""

    noun: ClassVar[str]
    """What a record is called, such as `job`."""

    key: ClassVar[Mapping[str, str]] = {}
    """Attributes of the table's key beside the id."""

    def __init__(self, table: Table, index: RecordIndex) -> None:
        self._table = table
        self._index = index

    def item(self, record: Some) -> Item:
        """Returns the item of a record."""
        raise NotImplementedError

    def get(self, identity: str) -> Some | None:
        """Returns a record; None when there is none."""
        item = self._table.get({"id": identity, **self.key})
        return None if item is None else self._record(item)

    def add(self, record: Some) -> bool:
        """Stores a new record; returns False, and does nothing, when there is one with its id."""
        return self._table.add(self.item(record))

    def replace(self, record: Some) -> bool:
        """Replaces the previous revision of a record; returns False, and does nothing, when that is gone."""
        return self.swap(record) is record

    def swap(self, record: Some) -> Some | None:
        """Replaces the previous revision of a record.

        Returns:
            The record that is stored now: this one, or what is there instead; None when it is gone.
        """
        item = self.item(record)
        found = self._table.swap(item, record.revision - 1)
        if found is item:
            return record
        return None if found is None else self._record(found)

    def newest(self, *, after: str | None, limit: int, model: str | None = None) -> Page[Some]:
        """Lists records of all models or of one, newest first; a page may be short and have a next one.

        Args:
            after: `next` of the previous page, or `place` of the last record that was used of it.
            limit: Maximum number of records.
            model: Only records of this model.

        Raises:
            BadRequest: `after` is no token of a page.
        """
        items, following = self._index.newest(after, limit, model)
        return Page([self._record(item) for item in items], following)

    def existing(self, identity: str) -> Some:
        """Returns a record.

        Raises:
            NotFound: There is none.
        """
        found = self.get(identity)
        if found is None:
            raise self._missing(identity)
        return found

    def move(self, record: Some, transition: Callable[[Some], Some]) -> Some:
        """Makes a transition, from the given revision or from the one that replaced it.

        A transition returns the same record where nothing is to be done.

        Raises:
            Conflict: The status of the record does not allow the transition.
            NotFound: The record is gone.
            ServiceUnavailable: The table cannot be reached, or others change this record all the time.
        """
        for _ in range(_TRIES):
            moved = transition(record)
            if moved is record:
                return moved
            stored = self.swap(moved)
            if stored == moved:  # also where the write was made, its answer lost, and the call made again
                return moved
            if stored is None:
                raise self._missing(record.id)
            record = stored
        raise ServiceUnavailable(f"{self.noun} {record.id} is changed by others all the time; try again")

    def search(
        self, matches: Callable[[Some], bool], *, after: str | None, limit: int, model: str | None = None
    ) -> Page[Some]:
        """Lists records that match, as `newest` does; a page may have none, and a next one all the same."""
        found: list[Some] = []
        for _ in range(_PAGES):
            page = self.newest(after=after, limit=_PAGE, model=model)
            after = page.next
            found += filter(matches, page.records)
            if len(found) > limit:
                return Page(found[:limit], found[limit - 1].place)
            if after is None or len(found) == limit:
                break
        return Page(found, after)

    def _missing(self, identity: str) -> NotFound:
        return NotFound(
            f"there is no {self.noun} {identity!r}; "
            f"records are deleted some time after a {self.noun} has ended"
        )

    def _record(self, item: Item) -> Some:
        return record_of(self.kind, deserialized(item))


def item_of(record: Record, **attributes: object) -> Item:
    """Returns the item of a record: its fields, the keys of the index by age, and further attributes."""
    keys = {"shard": shard(record.id), "created_id": record.place}
    return serialized({**plain(record), **keys, **attributes})
