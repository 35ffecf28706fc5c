"""Holds a running API against its document."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from api.build import TARGET
from api.document import Json, load_document, operations, resolve, unserved
from api.samples import PATH_VALUES, request_examples

ROOT = Path(__file__).parents[2]
DOCUMENT = load_document()
UNSERVED = [
    (method, path.format_map(PATH_VALUES | {"proxy+": "region/r/status"}))
    for method, path in unserved(DOCUMENT)
]
"""Method and filled path of every route that answers 501."""


@dataclass(frozen=True, slots=True)
class Example:
    """A request of the document.

    Attributes:
        name: Its name.
        route: Method and path of its operation.
        path: The path, with its parameters filled in.
        content_type: Type of the body; None when there is no body.
        body: The body: text, or a value to send as JSON.
        status: Status of the answer when all goes well.
        answer: What the document says comes back, if it does.
    """

    name: str
    route: tuple[str, str]
    path: str
    content_type: str | None
    body: Any
    status: int
    answer: Json | str | None


@dataclass(frozen=True, slots=True)
class Api:
    """A running API.

    Attributes:
        url: Where it is, without a trailing slash.
        key: The API key.
    """

    url: str
    key: str

    def ask(self, example: Example) -> httpx.Response:
        """Sends an example."""
        return self.send(example.route[0], example.path, example.content_type, example.body)

    def send(
        self, method: str, path: str, content_type: str | None = None, body: object = None
    ) -> httpx.Response:
        """Sends one request with the key."""
        headers = {"x-api-key": self.key} | ({"Content-Type": content_type} if content_type else {})
        given = {"content": body} if isinstance(body, str) else {"json": body} if body is not None else {}
        return httpx.request(method, self.url + path, headers=headers, timeout=60, **given)

    def fuzz(self, examples: int, directory: Path) -> str:
        """Runs schemathesis with `schemathesis.toml`.

        Args:
            examples: Random requests for each operation, besides those that its document suggests.
            directory: Where the run may leave files.

        Returns:
            Its report, or nothing if it found nothing.
        """
        command = [
            sys.executable,
            "-m",
            "schemathesis.cli",
            f"--config-file={ROOT / 'schemathesis.toml'}",
            "run",
        ]
        options = [f"--max-examples={examples}", "--generation-deterministic", "--no-color", "--warnings=off"]
        where = [f"--url={self.url}", f"--header=x-api-key:{self.key}", str(TARGET / "openapi.json")]
        run = subprocess.run(  # noqa: S603 - our own arguments
            [*command, *options, *where], cwd=directory, capture_output=True, text=True, check=False
        )
        return "" if run.returncode == 0 else run.stdout + run.stderr


def examples() -> Iterator[Example]:
    """Returns every request example of the document."""
    for route, operation in operations(DOCUMENT).items():
        status = min(operation["responses"])
        contents = operation.get("requestBody", {}).get("content", {})
        if not contents:
            path = route[1].format_map(PATH_VALUES)
            yield Example(operation["operationId"], route, path, None, None, int(status), None)
        for content_type, content in contents.items():
            answers = _answers(operation, status, content_type)
            for name, example in request_examples(content).items():
                path = route[1].format_map(PATH_VALUES | example.get("x-path", {}))
                label = f"{operation['operationId']}-{name}-{content_type}"
                value = example["value"]
                expected = int(example.get("x-status", status))
                yield Example(label, route, path, content_type, value, expected, answers.get(name))


def comparable(answer: Json | str) -> str:
    """Returns an answer as text without the last digits of its numbers, which differ between processors."""
    text = answer if isinstance(answer, str) else json.dumps(answer, separators=(",", ":"))
    return re.sub(r"\d+\.\d+(e-\d+)?", lambda number: f"{float(number[0]):.3f}", text)


def violations(route: tuple[str, str], response: httpx.Response) -> list[str]:
    """Returns where an answer is not what the document says of the operation."""
    declared = resolve(DOCUMENT, operations(DOCUMENT)[route]["responses"][str(response.status_code)])
    content_type = response.headers["Content-Type"].partition(";")[0]
    schema = {**declared["content"][content_type]["schema"], "components": DOCUMENT["components"]}
    body = response.json() if content_type == "application/json" else response.text
    return [error.message for error in Draft202012Validator(schema).iter_errors(body)]


def _answers(operation: Json, status: str, content_type: str) -> dict[str, Json | str]:
    content = resolve(DOCUMENT, operation["responses"][status])["content"].get(content_type, {})
    return {name: example["value"] for name, example in content.get("examples", {}).items()}


EXAMPLES = list(examples())
LASTING = [example for example in EXAMPLES if not {"{id}", "{key}"} & {*example.route[1].split("/")}]
"""Examples that succeed wherever the sample models are: they name nothing that somebody has to make first."""
