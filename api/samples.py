"""Requests and answers to copy."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from api.document import Json, resolve

WIDTH = 64
"""Characters that fit a line of the page's code column."""

PATH_VALUES = {"model": "digits", "version": "1", "id": "3e1f5a52-8c0d-4b7a-9d35-6f1c2b7e9a10", "key": "15"}
"""Default values for the parameters of a path; examples may override them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A piece of code.

    Attributes:
        title: What it shows.
        language: What it is written in, as Pygments calls it.
        code: The code.
    """

    title: str
    language: str
    code: str


def requests(document: Json, method: str, path: str, operation: Json) -> Iterator[Sample]:
    """Returns a curl call for every example of a request, or one without a body."""
    key = operation.get("security", document["security"]) != []
    contents = operation.get("requestBody", {}).get("content", {})
    examples = [
        (content_type, example)
        for content_type, content in contents.items()
        for example in request_examples(content).values()
    ]
    for content_type, example in examples:
        filled = path.format_map(PATH_VALUES | example.get("x-path", {}))
        yield Sample(example["summary"], "bash", _curl(filled, content_type, example["value"], key=key))
    if not examples:
        options = _options(method, operation)
        call = _curl(path.format_map(PATH_VALUES), options=options, key=key)
        yield Sample(f"{method} {path}", "bash", call)


def answers(document: Json, operation: Json) -> Iterator[Sample]:
    """Returns the examples of the answers, the successful ones first."""
    for status, response in operation["responses"].items():
        for content in resolve(document, response).get("content", {}).values():
            for example in media_examples(document, content):
                language = "text" if isinstance(example["value"], str) else "json"
                yield Sample(f"{status} {example['summary']}".strip(), language, body_text(example["value"]))


def request_examples(content: Json) -> Json:
    """Returns the examples of a request body by name."""
    examples: Json = {**content.get("examples", {}), **content.get("x-examples", {})}
    return examples


def media_examples(document: Json, content: Json) -> Iterator[Json]:
    """Returns the examples of a body, else those of its schema, as Example Objects."""
    if "examples" in content:
        yield from content["examples"].values()
    elif "example" in content:
        yield {"summary": "", "value": content["example"]}
    else:
        for value in resolve(document, content["schema"]).get("examples", ()):
            yield {"summary": "", "value": value}


def body_text(value: object, lead: int = 0) -> str:
    """Returns a body as text: JSON indented, anything else unchanged.

    Args:
        value: The body.
        lead: Characters before it on its first line.
    """
    return value.rstrip() if isinstance(value, str) else _layout(value, lead=lead)


def _options(method: str, operation: Json) -> str:
    asked = [f"-X {method} "] if method != "GET" else []
    return "".join([*asked, "--location "] if "303" in operation["responses"] else asked)


def _curl(path: str, content_type: str = "", body: object = None, *, options: str = "", key: bool) -> str:
    parts = [f'curl {options}"$API_URL{path}"']
    if key:
        parts.append('-H "x-api-key: $API_KEY"')
    if content_type:
        parts.append(f'-H "Content-Type: {content_type}"')
        parts.append(f"--data-binary {shlex.quote(body_text(body, lead=18))}")
    return " \\\n  ".join(parts)


def _layout(value: object, indent: int = 0, lead: int = 0) -> str:
    """Breaks what is too long for a line; what fits stays on one."""
    flat = json.dumps(value, ensure_ascii=False)
    if indent + lead + len(flat) <= WIDTH or not isinstance(value, dict | list):
        return flat
    if isinstance(value, dict):
        return _block("{", [_field(name, item, indent + 2) for name, item in value.items()], "}", indent)
    return _block("[", [_layout(item, indent + 2) for item in value], "]", indent)


def _field(name: str, item: object, indent: int) -> str:
    label = f"{json.dumps(name)}: "
    return label + _layout(item, indent, lead=len(label))


def _block(opening: str, lines: list[str], closing: str, indent: int) -> str:
    inner = "\n" + " " * (indent + 2)
    return opening + inner + f",{inner}".join(lines) + "\n" + " " * indent + closing
