"""The part of the query language of CloudWatch Logs Insights that the page on operations uses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

type Line = dict[str, Any]
"""A line of log that is JSON."""

_STRING = r'"[^"]*"'
_CONDITION = re.compile(rf"ispresent\(([\w.]+)\)|([\w.]+) (=|!=|>=|in) (\[.*?\]|{_STRING}|[\w.]+)")
_WORDS = {"fields", "filter", "stats", "sort", "limit", "by", "as", "asc", "desc", "and", "in"}


def names(query: str) -> set[str]:
    """Finds the fields of lines that a query is about.

    Args:
        query: The query.

    Returns:
        Their names, without those that CloudWatch gives (`@timestamp`) and those that the query makes.
    """
    said = re.sub(rf"{_STRING}|\bas \w+|\w+\(\*\)|\w+(?=\()|@\w+", " ", query)
    return {word for word in re.findall(r"[A-Za-z_][\w.]*", said) if word not in _WORDS}


def matching(query: str, lines: Iterable[Line]) -> list[Line]:
    """Finds the lines that pass the filters of a query.

    Args:
        query: The query.
        lines: The lines of its log groups.
    """
    filters = re.findall(r"\bfilter (.*)", query)
    assert all(_parsed(text) for text in filters), query
    conditions = [condition for text in filters for condition in _parsed(text)]
    return [line for line in lines if all(_holds(condition, line) for condition in conditions)]


def value(line: Line, name: str) -> Any:  # noqa: ANN401 - any JSON
    """Returns a field of a line by its name in Insights, `a.b` and `list.0`; None where there is none."""
    found: Any = line
    for part in name.split("."):
        if isinstance(found, list):
            found = found[int(part)] if int(part) < len(found) else None
        else:
            found = found.get(part) if isinstance(found, dict) else None
    return found


def _parsed(text: str) -> Sequence[tuple[str, ...]]:
    """Reads the conditions of a filter; none where one of them is not understood."""
    text = text.split("|", maxsplit=1)[0].strip()
    found = list(_CONDITION.finditer(text))
    understood = " and ".join(match[0] for match in found) == text
    return [match.groups() for match in found] if understood else []


def _holds(condition: tuple[str, ...], line: Line) -> bool:
    present, name, operator, operand = condition
    if present:
        return value(line, present) is not None
    found, wanted = value(line, name), json.loads(operand)
    match operator:
        case "=":
            return bool(found == wanted)
        case "!=":
            return bool(found != wanted)
        case "in":
            return found in wanted
        case _:
            return isinstance(found, int | float) and found >= wanted
