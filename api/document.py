"""The OpenAPI document, put together from `openapi.yaml` and `parts/`."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

Json = dict[str, Any]
"""A JSON object."""

SOURCE = Path(__file__).parent
METHODS = ("get", "post", "put", "patch", "delete")
VERSION: Json = {"$ref": "#/components/parameters/Version"}


def load_document() -> Json:
    """Assembles the document.

    Each part adds `paths` and `components`. A path marked `x-versioned` is there a second time for one
    version of the model, and every operation gets the responses that API Gateway gives by itself.

    Returns:
        A valid OpenAPI 3.1 document.

    Raises:
        ValueError: Two parts define the same thing.
        OpenAPIValidationError: The whole is not valid.
    """
    document = _read(SOURCE / "openapi.yaml")
    gateway = document.pop("x-gateway-responses")
    document["paths"], document["components"] = {}, {}
    for part in sorted((SOURCE / "parts").glob("*.yaml")):
        _add_part(document, _read(part))
    for operation in operations(document).values():
        _add_responses(operation, gateway)
    OpenAPIV31SpecValidator(document).validate()
    return document


def operations(document: Json) -> dict[tuple[str, str], Json]:
    """Returns the operations of a document by method, in capitals, and path."""
    return {
        (method.upper(), path): item[method]
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


def unserved(document: Json) -> list[tuple[str, str]]:
    """Returns method and path of the routes that answer 501."""
    return [
        (method.upper(), route["path"])
        for route in document["x-not-served"]["routes"]
        for method in route["methods"]
    ]


def resolve(document: Json, node: Json) -> Json:
    """Follows a reference inside the document, if the node is one; keys beside it win over its target's."""
    if "$ref" not in node:
        return node
    target: Json = document
    for key in node["$ref"].removeprefix("#/").split("/"):
        target = target[key]
    return {**resolve(document, target), **{key: value for key, value in node.items() if key != "$ref"}}


def _read(path: Path) -> Json:
    content: Json = yaml.safe_load(path.read_text())
    return content


def _add_part(document: Json, part: Json) -> None:
    for path, item in part.get("paths", {}).items():
        versioned = item.pop("x-versioned", False)
        _add(document["paths"], path, item)
        if versioned:
            _add(document["paths"], path.replace("{model}", "{model}/versions/{version}"), _for_version(item))
    for kind, items in part.get("components", {}).items():
        for name, component in items.items():
            _add(document["components"].setdefault(kind, {}), name, component)


def _for_version(item: Json) -> Json:
    item = deepcopy(item)
    item["parameters"].append(VERSION)
    for method in METHODS:
        if method in item:
            item[method]["operationId"] += "Version"
            item[method]["summary"] += " (one version)"
    return item


def _add(target: Json, name: str, value: Json) -> None:
    if name in target:
        raise ValueError(f"{name} is defined twice")
    target[name] = value


def _add_responses(operation: Json, gateway: Json) -> None:
    open_to_all = operation.get("security") == []
    for status, response in gateway.items():
        if not (open_to_all and status == "403"):
            operation["responses"].setdefault(status, response)
    operation["responses"] = dict(sorted(operation["responses"].items()))
