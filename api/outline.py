"""A JSON Schema as lines for people to read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from api.document import Json, resolve


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a message.

    Attributes:
        depth: How deep it lies; 0 for the fields of the message itself.
        name: Its name.
        type: What it holds, in words.
        required: Whether it must be there.
        description: What it means, in Markdown.
        values: The values that it can have, if they are few.
    """

    depth: int
    name: str
    type: str
    required: bool
    description: str
    values: tuple[str, ...] = ()


def outline(document: Json, schema: Json, depth: int = 0) -> Iterator[Line]:
    """Returns the fields of a schema, each followed by the fields inside it."""
    schema = resolve(document, schema)
    if "items" in schema:
        yield from outline(document, schema["items"], depth)
    for name, field in schema.get("properties", {}).items():
        yield line(document, name, field, depth=depth, required=name in schema.get("required", ()))
        yield from outline(document, field, depth + 1)


def line(document: Json, name: str, schema: Json, *, depth: int = 0, required: bool = False) -> Line:
    """Describes one field."""
    schema = resolve(document, schema)
    return Line(
        depth=depth,
        name=name,
        type=type_name(document, schema),
        required=required,
        description=schema.get("description", ""),
        values=tuple(schema.get("enum", ())),
    )


def type_name(document: Json, schema: Json) -> str:
    """Describes in words what a schema accepts."""
    if "$ref" in schema:
        target = resolve(document, schema)
        return str(target.get("title") or type_name(document, target))
    if "const" in schema:
        return json.dumps(schema["const"])
    if "anyOf" in schema:
        return _either([type_name(document, choice) for choice in schema["anyOf"]])
    if schema.get("type") == "array" and "items" in schema:
        return f"array of {type_name(document, schema['items'])}"
    types = schema.get("type", "anything")
    return types if isinstance(types, str) else _either(types)


def _either(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
