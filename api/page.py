"""The API as one page of HTML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.document import Json, operations, resolve, unserved
from api.markup import article, code, markdown
from api.outline import Line, line, outline
from api.samples import Sample, answers, requests

VERSION = "/versions/{version}"


@dataclass(frozen=True, slots=True)
class Body:
    """What a request or an answer carries in one content type."""

    content_type: str
    description: str
    fields: list[Line]


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back with one status."""

    status: str
    description: str
    bodies: list[Body]


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation; the one for a version of the model is shown with the one for the latest."""

    id: str
    method: str
    path: str
    version_path: str | None
    summary: str
    description: str
    needs_key: bool
    parameters: list[Line]
    bodies: list[Body]
    answers: list[Answer]
    errors: list[Answer]
    requests: list[Sample]
    samples: list[Sample]


def render(document: Json) -> str:
    """Renders the page; it loads nothing from anywhere."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"markdown": markdown, "code": code}
    introduction, headings = article(document["info"]["description"])
    return environment.get_template("docs.html.j2").render(
        info=document["info"],
        introduction=introduction,
        headings=headings,
        sections=[(tag, _entries(document, tag["name"])) for tag in document["tags"]],
        not_served=document["x-not-served"]["description"],
        unserved=unserved(document),
    )


def _entries(document: Json, tag: str) -> list[Entry]:
    return [
        _entry(document, method, path, operation)
        for (method, path), operation in operations(document).items()
        if tag in operation["tags"] and VERSION not in path
    ]


def _entry(document: Json, method: str, path: str, operation: Json) -> Entry:
    version_path = path.replace("{model}", "{model}" + VERSION)
    every_answer = [
        _answer(document, status, response) for status, response in operation["responses"].items()
    ]
    return Entry(
        id=operation["operationId"],
        method=method,
        path=path,
        version_path=version_path if VERSION in version_path and version_path in document["paths"] else None,
        summary=operation["summary"],
        description=operation.get("description", ""),
        needs_key=operation.get("security", document["security"]) != [],
        parameters=_parameters(document, path, operation),
        bodies=_bodies(document, operation.get("requestBody", {})),
        answers=[answer for answer in every_answer if answer.status < "400"],
        errors=[answer for answer in every_answer if answer.status >= "400"],
        requests=list(requests(document, method, path, operation)),
        samples=[sample for sample in answers(document, operation) if sample.title < "400"],
    )


def _parameters(document: Json, path: str, operation: Json) -> list[Line]:
    return [
        line(
            document,
            parameter["name"],
            {**parameter["schema"], "description": f"*In the {parameter['in']}.* {parameter['description']}"},
            required=parameter["required"],
        )
        for reference in (*document["paths"][path].get("parameters", ()), *operation.get("parameters", ()))
        for parameter in [resolve(document, reference)]
    ]


def _answer(document: Json, status: str, response: Json) -> Answer:
    response = resolve(document, response)
    return Answer(status, response["description"], _bodies(document, response))


def _bodies(document: Json, message: Json) -> list[Body]:
    return [
        Body(
            content_type,
            resolve(document, content["schema"]).get("description", ""),
            list(outline(document, content["schema"])),
        )
        for content_type, content in message.get("content", {}).items()
    ]
