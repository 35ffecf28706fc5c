"""The API's document is valid, complete and up to date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from triptych.batches.batch import Status as BatchStatus
from triptych.http.routes import batch_routes, job_routes, realtime_routes
from triptych.jobs.job import Status as JobStatus
from triptych.protocol.datatypes import DATATYPES

from account.template import template
from api.build import TARGET, build, stale
from api.document import Json, operations, resolve, unserved
from api.samples import media_examples
from tests.support.contract import DOCUMENT


def template_routes() -> Iterator[tuple[tuple[str, str], Json]]:
    """Returns the API routes of the template, with their properties."""
    for resource in template()["Resources"].values():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] == "Api":
                properties = event["Properties"]
                yield (properties["Method"], properties["Path"]), properties


def contents() -> Iterator[tuple[str, Json]]:
    """Returns every request and response body of the document, with a name for it."""
    for (method, path), operation in operations(DOCUMENT).items():
        for content_type, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{method} {path} {content_type}", content
        for status, response in operation["responses"].items():
            for content_type, content in resolve(DOCUMENT, response)["content"].items():
                yield f"{method} {path} {status} {content_type}", content


def examples() -> Iterator[tuple[str, Json, Any]]:
    """Returns every example with its name and the schema that it is an example of."""
    for where, content in contents():
        for example in (*media_examples(DOCUMENT, content), *content.get("x-examples", {}).values()):
            yield where, content["schema"], example["value"]


def test_valid() -> None:
    """The document is OpenAPI 3.1."""
    assert [] == list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors())


def test_up_to_date() -> None:
    """What the function serves was made from the document as it is now."""
    assert [] == stale(build())


def test_examples() -> None:
    """Every example is valid against its schema."""
    components = DOCUMENT["components"]
    failures = [
        (where, error.message)
        for where, schema, value in examples()
        for error in Draft202012Validator({**schema, "components": components}).iter_errors(value)
    ]
    assert [] == failures


def test_bodies_have_examples() -> None:
    """Every JSON answer shows what it looks like, except for the document itself."""
    without = {
        where
        for where, content in contents()
        if re.search(r" 2\d\d application/json$", where) and not list(media_examples(DOCUMENT, content))
    }
    assert {"GET /openapi.json 200 application/json"} == without


def test_template() -> None:
    """The document and the template have the same routes."""
    assert {*operations(DOCUMENT), *unserved(DOCUMENT)} == {route for route, _ in template_routes()}


def test_handlers() -> None:
    """The document and the handlers have the same routes; each route has one handler."""
    routes = [*realtime_routes(), *job_routes(), *batch_routes()]
    assert {*operations(DOCUMENT), *unserved(DOCUMENT)} == {*routes}
    assert len({*routes}) == len(routes)


def test_security() -> None:
    """The document and the template agree on which routes need no key."""
    documented = {
        route for route, operation in operations(DOCUMENT).items() if operation.get("security") == []
    }
    deployed = {
        route
        for route, properties in template_routes()
        if not properties.get("Auth", {}).get("ApiKeyRequired", True)
    }
    assert documented == deployed


def test_datatypes() -> None:
    """The document names the datatypes that are served."""
    schemas = DOCUMENT["components"]["schemas"]
    assert set(DATATYPES) == set(schemas["Datatype"]["enum"])
    assert {datatype.config for datatype in DATATYPES.values()} == set(
        schemas["TensorConfig"]["properties"]["data_type"]["enum"]
    )


def test_statuses() -> None:
    """The document names the statuses of a job and of a batch, and tells of each what it means."""
    assert [*JobStatus] == DOCUMENT["components"]["schemas"]["JobStatus"]["enum"]
    assert [*BatchStatus] == DOCUMENT["components"]["schemas"]["BatchStatus"]["enum"]
    described = re.findall(r"^\| `(\w+)` \|", DOCUMENT["info"]["description"], re.MULTILINE)
    assert {*JobStatus} | {*BatchStatus} <= {*described}


@pytest.mark.parametrize(
    "pattern", [r"<script", r"<link[^>]*href=\"(?!data:)", r"\ssrc=", r"@import", r"url\("]
)
def test_page_is_one_file(pattern: str) -> None:
    """The page loads nothing from anywhere."""
    assert re.search(pattern, (TARGET / "docs.html").read_text()) is None


def test_page_links() -> None:
    """Every link inside the page leads to a place on it."""
    page = (TARGET / "docs.html").read_text()
    assert set() == set(re.findall(r'href="#([^"]+)"', page)) - set(re.findall(r'id="([^"]+)"', page))


def test_page_is_complete() -> None:
    """The page shows every path."""
    text = re.sub(r"<[^>]+>", "", (TARGET / "docs.html").read_text())
    assert [] == [path for _, path in (*operations(DOCUMENT), *unserved(DOCUMENT)) if path not in text]
