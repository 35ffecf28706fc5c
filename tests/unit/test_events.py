"""The events in `events/`: those of HTTP are consistent, those of real time are given to the real handler."""

import base64
import importlib
import json
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from triptych.batches.file import Chunk, Join, decode
from triptych.batches.submission import read_submission
from triptych.http.routes import batch_routes, job_routes, realtime_routes

from tests.support.infer_messages import HEADER_LENGTH
from tests.support.realtime import Invocation

ROOT = Path(__file__).parents[2]
EVENTS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "events").glob("*.json"))}
HTTP = [name for name, event in EVENTS.items() if "httpMethod" in event and not name.startswith("inference-")]
REALTIME = [name for name in EVENTS if name.startswith("realtime-")]
EXAMPLES = ROOT / "examples"

type Handler = Callable[[dict[str, Any], Invocation], dict[str, Any]]


@pytest.fixture(scope="module")
def handler() -> Iterator[Handler]:
    """The handler over the models that are shipped, imported as Lambda imports it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODEL_REPOSITORY", str(ROOT / "layers/models"))
        patch.delitem(sys.modules, "realtime_handler", raising=False)
        yield importlib.import_module("realtime_handler").handler
        sys.modules.pop("realtime_handler")


def answered(handler: Handler, event: str, status: int = 200) -> bytes:
    """Passes an event to the handler, checks the status and returns the body."""
    result = handler(EVENTS[event], Invocation())
    assert status == result["statusCode"]
    body: str = result["body"]
    return base64.b64decode(body) if result["isBase64Encoded"] else body.encode()


def sent(event: str) -> bytes:
    """The body of an event."""
    return base64.b64decode(EVENTS[event]["body"])


@pytest.mark.parametrize("name", HTTP)
def test_events_are_consistent(name: str) -> None:
    """An event is one that the gateway would make: of a route, its path filled in, its fields agreeing."""
    event = EVENTS[name]
    routes = {"realtime": realtime_routes, "job": job_routes, "batch": batch_routes}[name.partition("-")[0]]
    assert (event["httpMethod"], event["resource"]) in routes()
    assert event["path"] == event["resource"].format(**(event["pathParameters"] or {}))
    assert event["headers"] == {key: values[-1] for key, values in event["multiValueHeaders"].items()}
    context = event["requestContext"]
    assert (event["httpMethod"], event["resource"]) == (context["httpMethod"], context["resourcePath"])
    assert f"/{context['stage']}{event['path']}" == context["path"]


def test_every_event_is_answered(handler: Handler) -> None:
    """Each event has the status that its name promises."""
    statuses = {
        name: handler(event, Invocation())["statusCode"] for name, event in EVENTS.items() if name in REALTIME
    }
    failures = {"realtime-unknown-model": 404, "realtime-wrong-shape": 400}
    assert dict.fromkeys(REALTIME, 200) | failures == statuses


def test_every_route_of_jobs_and_batches_has_an_event() -> None:
    """Whatever can be done with jobs and batches can be tried with `sam local invoke`."""
    events = [EVENTS[name] for name in HTTP if name not in REALTIME]
    routes = {route for route in {*job_routes(), *batch_routes()} if "{version}" not in route[1]}
    assert routes == {(event["httpMethod"], event["resource"]) for event in events}


@pytest.mark.parametrize(
    ("event", "example"),
    [
        ("realtime-infer-json", "digits.json"),
        ("realtime-recommend", "recommender.json"),
        ("realtime-predict-csv", "penguins.csv"),
        ("job-submit", "penguins.csv"),
    ],
)
def test_bodies_are_the_examples(event: str, example: str) -> None:
    """What an event sends is the example of the same content, byte by byte."""
    assert (EXAMPLES / example).read_bytes() == sent(event)


def test_json_lines_are_the_example() -> None:
    """The JSON Lines are the beginning of the example."""
    assert (EXAMPLES / "penguins.jsonl").read_bytes().startswith(sent("realtime-predict-jsonl"))


def test_binary_is_the_example() -> None:
    """The raw tensor holds the numbers of the example in JSON."""
    length = int(EVENTS["realtime-infer-binary"]["headers"][HEADER_LENGTH])
    body = sent("realtime-infer-binary")
    (described,) = json.loads(body[:length])["inputs"]
    (example,) = json.loads((EXAMPLES / "digits.json").read_text())["inputs"]
    assert example["shape"] == described["shape"]
    pixels = [pixel for image in example["data"] for row in image for pixel in row]
    assert struct.pack(f"<{len(pixels)}f", *pixels) == body[length:]


def test_live(handler: Handler) -> None:
    """The server lives."""
    assert {"live": True} == json.loads(answered(handler, "realtime-health-live"))


def test_ready(handler: Handler) -> None:
    """A model is ready."""
    assert {"name": "recommender", "ready": True} == json.loads(answered(handler, "realtime-ready"))


def test_index(handler: Handler) -> None:
    """All shipped models are ready."""
    entries = json.loads(answered(handler, "realtime-index"))
    shipped = ("digits", "handwriting", "penguins", "recommender", "reviews", "search")
    assert dict.fromkeys(shipped, "READY") == {entry["name"]: entry["state"] for entry in entries}


def test_metadata(handler: Handler) -> None:
    """A model tells the names and datatypes of its columns."""
    metadata = json.loads(answered(handler, "realtime-metadata"))
    inputs = {tensor["name"]: tensor["datatype"] for tensor in metadata["inputs"]}
    assert ("penguins", ["1"]) == (metadata["name"], metadata["versions"])
    assert ("BYTES", "FP32", "INT64") == (inputs["island"], inputs["body_mass_g"], inputs["year"])


def test_digits(handler: Handler) -> None:
    """The two images are read as the digits that they show, in JSON and in binary."""
    digit, probabilities = json.loads(answered(handler, "realtime-infer-json"))["outputs"]
    assert ("digit", [7, 6]) == (digit["name"], digit["data"])
    assert [2, 10] == probabilities["shape"]
    body = answered(handler, "realtime-infer-binary")
    assert struct.pack("<2q", 7, 6) in body
    assert struct.pack("<20f", *probabilities["data"]) == body[-80:]


def test_films(handler: Handler) -> None:
    """Each user gets ten films, the best first; one whom nobody knows gets the popular ones."""
    answer = json.loads(answered(handler, "realtime-recommend"))
    outputs = {output["name"]: output for output in answer["outputs"]}
    assert [6, 10] == outputs["items"]["shape"]
    assert all(isinstance(film, str) and film for film in outputs["items"]["data"])
    scores = outputs["scores"]["data"]
    rows = [scores[start : start + 10] for start in range(0, 60, 10)]
    assert [sorted(row, reverse=True) for row in rows] == rows


def test_penguins(handler: Handler) -> None:
    """Rows of CSV come back as rows of CSV, and JSON Lines as JSON Lines, with the same predictions."""
    header, *rows = answered(handler, "realtime-predict-csv").decode().split()
    assert "species,probabilities_Adelie,probabilities_Chinstrap,probabilities_Gentoo" == header
    assert (EXAMPLES / "penguins.csv").read_text().count("\n") - 1 == len(rows)
    lines = [json.loads(line) for line in answered(handler, "realtime-predict-jsonl").splitlines()]
    species = [row.split(",")[0] for row in rows]
    assert species[: len(lines)] == [line["species"] for line in lines]
    assert {"Adelie", "Chinstrap", "Gentoo"} == set(species)


def test_unknown_model(handler: Handler) -> None:
    """The message names the model, and where to see which there are."""
    message = json.loads(answered(handler, "realtime-unknown-model", 404))["error"]
    assert "unknown model 'unknown'; POST /v2/repository/index lists what there is" == message


def test_wrong_shape(handler: Handler) -> None:
    """The message names the input, what it should have been and what it was."""
    message = json.loads(answered(handler, "realtime-wrong-shape", 400))["error"]
    assert "input 'image': expected shape [-1, 8, 8] (-1 is any size), got [1, 64]" == message


def test_batch_steps() -> None:
    """The messages of the state machine are those that its functions read, for a file of the examples."""
    chunk, join = decode(Chunk, EVENTS["batch-chunk"]["chunk"]), decode(Join, EVENTS["batch-join"]["join"])
    content = (EXAMPLES / "penguins.csv").read_bytes()
    assert (chunk.file, len(content)) == (join.file, chunk.file.size)
    assert chunk.head.encode() == content[: chunk.start]
    assert (join.start, join.end) == (chunk.start, chunk.end)


@pytest.mark.parametrize("name", ["batch-submit", "batch-dry-run"])
def test_batch_requests(name: str) -> None:
    """What is handed over as a batch can be read."""
    said = json.loads(sent(name))
    assert (name == "batch-dry-run") is said.pop("dry_run", False)
    assert "penguins/nightly/" == read_submission(said).source.prefix


def test_event_of_the_inference_function() -> None:
    """A request that another function makes, for the handler that runs the models."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODEL_REPOSITORY", str(ROOT / "layers/models"))
        patch.delitem(sys.modules, "inference_handler", raising=False)
        inference = importlib.import_module("inference_handler").handler
        sys.modules.pop("inference_handler")
    result = inference(EVENTS["inference-infer"], Invocation())
    assert 200 == result["statusCode"]
    assert [7, 6] == json.loads(result["body"])["outputs"][0]["data"]
