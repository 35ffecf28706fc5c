"""`make add`: what is written to the layer and to the bucket of a stack, in which order, and what is not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.client import BaseClient
from rich.console import Console

from adding import add as command
from adding.__main__ import main
from adding.add import Wish, add
from adding.curl import example_of
from adding.inspection import Inspection, inspect
from adding.layer import LAYER_BYTES
from adding.model_bucket import ModelBucket
from adding.source import find_source
from adding.verdict import NotServed
from local.aws import Aws
from local.calls import Calls
from local.failure import LocalFailure
from local.stack import StackInfo
from tests.support import text_exports

CLASSIFIER = {"architectures": ["XForSequenceClassification"]}


class Answers:
    """The API of a stack: its index, and answers to what it is asked."""

    def __init__(self, *statuses: int) -> None:
        self.index: list[dict[str, str]] = []
        self.asked: list[str] = []
        self.statuses = iter(statuses)

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401 - of httpx
        """Answers as the next status says."""
        request = httpx.Request(method, f"http://api{path}")
        if path == "/v2/repository/index":
            return httpx.Response(200, json=self.index, request=request)
        self.asked.append(f"{method} {path} {arguments['content'].decode()}")
        return httpx.Response(next(self.statuses), text="positive", request=request)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """The API of the stack, which does not know the version at first, then loads it, then answers."""
    answers = Answers(404, 503, 200)
    monkeypatch.setattr(Calls, "request", answers.request)
    monkeypatch.setattr(command, "LOOK_SECONDS", 0.0)
    return answers


@pytest.fixture
def stack(aws: None, api: Answers, looked: None, monkeypatch: pytest.MonkeyPatch) -> StackInfo:  # noqa: ARG001 - in it
    """A stack with a bucket of models."""
    outputs = {"ModelBucket": "models-of-ours"}
    parameters = {"MemorySize": "1769", "JobMemorySize": "1769", "BatchMemorySize": "1769"}
    made = StackInfo(
        "https://s3.amazonaws.com", "us-east-1", "triptych", "http://api", "key", outputs, {}, parameters
    )
    made.aws().s3().create_bucket(Bucket="models-of-ours")
    monkeypatch.setattr(command, "find", lambda name: made if name is None else None)
    return made


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """The folder of a classifier of texts."""
    return text_exports.add_export(tmp_path, "export", text_exports.classifier(), CLASSIFIER)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    """What is seen of the export."""
    folder = text_exports.add_export(
        tmp_path_factory.mktemp("seen"), "export", text_exports.classifier(), CLASSIFIER
    )
    return inspect("texts", find_source(folder))


@pytest.fixture
def looked(seen: Inspection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks once for all tests."""
    monkeypatch.setattr(
        command, "inspect", lambda model, source, *_: seen._replace(model=model, source=source)
    )


@pytest.fixture(autouse=True)
def layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the layer of models."""
    models = tmp_path / "layer"
    models.mkdir()
    monkeypatch.setattr("adding.layer.MODELS", models)
    return models


@contextmanager
def writes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Lists the keys that are written, in their order."""
    keys: list[str] = []
    call: Any = vars(BaseClient)["_make_api_call"]  # each request passes it

    def noted(client: BaseClient, operation: str, given: dict[str, Any]) -> Any:  # noqa: ANN401 - of botocore
        if operation in {"PutObject", "CreateMultipartUpload"}:
            keys.append(given["Key"])
        return call(client, operation, given)

    with monkeypatch.context() as patched:
        patched.setattr(BaseClient, "_make_api_call", noted)
        yield keys


def test_the_graph_is_last(
    stack: StackInfo, api: Answers, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings, files, graph: a version is served only once all of it is there; then the command waits."""
    (export / "model.toml").write_text('description = "Texts"\n')
    console = Console(record=True, width=400)
    with writes(monkeypatch) as keys:
        added = add(console, "texts", find_source(export), Wish(stack="local"))

    assert [
        "models/texts/model.toml",
        "models/texts/1/config.json",
        "models/texts/1/tokenizer.json",
        "models/texts/1/tokenizer_config.json",
        "models/texts/1/model.onnx",
    ] == keys
    assert 3 == len(api.asked)
    assert api.asked[0].startswith("POST /v2/models/texts/versions/1/predict {")
    assert (1, f"s3://{stack.outputs['ModelBucket']}/models/") == (added["version"], added["added_to"])
    shown = console.export_text()
    assert "text-classification" in shown
    assert f"{added['curl']}\npositive" in shown


def test_versions_of_the_layer_count(stack: StackInfo, api: Answers, export: Path) -> None:
    """A version in the layer hides one of its number in the bucket, so the next is the highest of both."""
    api.index = [{"name": "texts", "version": "4"}, {"name": "other", "version": "9"}, {"name": "new"}]
    stack.aws().s3().put_object(Bucket="models-of-ours", Key="models/texts/2/config.json", Body=b"unfinished")
    assert {2, 4} == ModelBucket(stack).versions("texts")
    assert 5 == add(Console(quiet=True), "texts", find_source(export), Wish(stack="local"))["version"]


@pytest.mark.parametrize(
    ("version", "message"), [("2", "leave VERSION out for the next free one, 3"), ("02", "expected a number")]
)
def test_nothing_is_overwritten(
    stack: StackInfo, export: Path, monkeypatch: pytest.MonkeyPatch, version: str, message: str
) -> None:
    """A version that is there stays as it is, also an unfinished one."""
    stack.aws().s3().put_object(Bucket="models-of-ours", Key="models/texts/2/config.json", Body=b"unfinished")
    with writes(monkeypatch) as keys, pytest.raises(LocalFailure, match=message):
        add(Console(quiet=True), "texts", find_source(export), Wish(version, "local"))
    assert [] == keys


def test_settings_of_other_versions_stay(
    stack: StackInfo, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `model.toml` is for all versions: another one is not replaced."""
    stack.aws().s3().put_object(Bucket="models-of-ours", Key="models/texts/model.toml", Body=b"# ours")
    (export / "model.toml").write_text("# theirs")
    with writes(monkeypatch) as keys, pytest.raises(LocalFailure, match=r"has another model\.toml"):
        add(Console(quiet=True), "texts", find_source(export), Wish(stack="local"))
    assert [] == keys


@pytest.mark.usefixtures("stack")
def test_code_is_not_uploaded(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code beside a model runs from the layer only, so a model that needs it is not put into a bucket."""
    (export / "model.py").write_text("def preprocess(rows):\n    return rows\n")
    with writes(monkeypatch) as keys, pytest.raises(NotServed, match="never from a bucket"):
        add(Console(quiet=True), "texts", find_source(export), Wish(stack="local"))
    assert [] == keys


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"MemorySize": "256"}, "MemorySize=512"),
        ({"BatchMemorySize": "256", "JobMemorySize": "256"}, "JobMemorySize=512 BatchMemorySize=512"),
        ({"Serving": "Microservices", "InferenceMemorySize": "256"}, "InferenceMemorySize=512"),
        ({"EphemeralStorage": "1"}, "EphemeralStorage=512"),
    ],
)
def test_a_stack_that_is_too_small(
    stack: StackInfo, export: Path, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str], name: str
) -> None:
    """The command that enlarges it is the way out."""
    stack.parameters.update(parameters)
    with writes(monkeypatch) as keys, pytest.raises(NotServed) as refused:
        add(Console(quiet=True), "texts", find_source(export), Wish(stack="local"))
    assert f'PARAMETERS="{name}"' in refused.value.way_out
    assert [] == keys


def test_an_upload_that_breaks_off(stack: StackInfo, export: Path) -> None:
    """The message says that nothing is served, and what to do."""
    client = stack.aws().s3()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="models-of-ours"):
        assert "Contents" not in page
    bucket = ModelBucket(stack)
    client.delete_bucket(Bucket="models-of-ours")
    with pytest.raises(LocalFailure, match="version 1 is not served"):
        bucket.put("texts", 1, find_source(export))


@pytest.mark.parametrize(
    ("repositories", "name"),
    [
        ("", "s3://models-of-ours/models/"),
        ("/opt/models,s3://models-of-ours/models/live", "s3://models-of-ours/models/live/"),
        ("s3://models-of-ours", "s3://models-of-ours/"),
    ],
)
def test_where_a_stack_reads(stack: StackInfo, repositories: str, name: str) -> None:
    """The prefix is that of the repositories of the stack."""
    stack.parameters["ModelRepository"] = repositories
    assert name == ModelBucket(stack).name


def test_a_stack_without_a_bucket(stack: StackInfo) -> None:
    """Where a stack reads no bucket, an upload would never be served."""
    stack.parameters["ModelRepository"] = "/opt/models"
    with pytest.raises(LocalFailure, match="leave STACK out"):
        ModelBucket(stack)


def test_what_does_not_answer(stack: StackInfo, api: Answers, export: Path) -> None:  # noqa: ARG001 - asked
    """A version that refuses what it was tried with is told, with what it says."""
    api.statuses = iter([404, 400])
    with pytest.raises(LocalFailure, match="does not answer: 400 positive"):
        add(Console(quiet=True), "texts", find_source(export), Wish(stack="local"))


@pytest.mark.usefixtures("looked")
def test_the_layer(layer: Path, export: Path) -> None:
    """Without a stack, the version is a folder of the layer; the next one has the next number."""
    (export / "model.toml").write_text("# ours\n")
    console = Console(record=True, width=400)
    for version in (1, 2):
        assert version == add(console, "texts", find_source(export), Wish())["version"]
    assert {"1", "2", "model.toml"} == {path.name for path in (layer / "texts").iterdir()}
    assert (export / "tokenizer.json").read_bytes() == (layer / "texts/2/tokenizer.json").read_bytes()
    assert ["texts"] == [path.name for path in layer.iterdir()]
    assert "make up" in console.export_text()


@pytest.mark.usefixtures("looked")
def test_a_layer_that_is_full(layer: Path, export: Path) -> None:
    """Lambda would refuse it at the deployment."""
    with (layer / "weights").open("wb") as file:
        file.truncate(LAYER_BYTES)
    with pytest.raises(NotServed, match="room for 75 MB") as refused:
        add(Console(quiet=True), "texts", find_source(export), Wish())
    assert "STACK=" in refused.value.way_out


@pytest.mark.parametrize("size", [0, LAYER_BYTES])
def test_a_look_notes_what_does_not_fit_the_layer(
    seen: Inspection,
    layer: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    size: int,
) -> None:
    """It would be served from a bucket: that is no refusal."""
    with (layer / "weights").open("wb") as file:
        file.truncate(size)
    monkeypatch.setattr("adding.__main__.inspect", lambda *_: seen)
    source = next(iter(seen.source.files.values())).parent
    assert 0 == run(monkeypatch, "inspect", "--model", "texts", "--from", str(source))
    assert bool(size) == ("room for 75 MB" in capsys.readouterr().out)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Runs the command."""
    monkeypatch.setattr("sys.argv", ["adding", *arguments])
    return main()


def test_exit_status(
    tmp_path: Path, export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """0: served; 1: refused; 2: failed. Standard output is JSON alone."""
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    said: list[Any] = []
    for source, status in ((export, 0), (broken, 1), (tmp_path / "nothing", 2)):
        given = ("inspect", "--model", "texts", "--from", str(source), "--json")
        assert status == run(monkeypatch, *given)
        said.append(json.loads(capsys.readouterr().out))
    assert [True, False] == [said[0]["served"], said[1]["served"]]
    assert "way_out" in said[1]
    assert "there is no" in said[2]["error"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--model", "texts"], "MODEL and FROM are needed"),
        (["--model", "a/b", "--from", "x"], "a name is letters"),
        (["--model", "a", "--from", "x", "--example", "none.csv"], "there is no none.csv"),
        (
            ["--model", "a", "--from", "x", "--example", "README.md"],
            "expected a file that ends with .csv, .jsonl",
        ),
    ],
)
def test_mistakes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: list[str], message: str
) -> None:
    """Each is a line that says what is expected."""
    assert 2 == run(monkeypatch, "inspect", *given)
    assert re.search(message, capsys.readouterr().out)


def test_no_credentials(
    stack: StackInfo, export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What AWS says is shown, without a trace."""
    Aws(stack.endpoint_url).s3().delete_bucket(Bucket="models-of-ours")
    given = ("add", "--model", "texts", "--from", str(export), "--stack", "local")
    assert 2 == run(monkeypatch, *given)
    assert "NoSuchBucket" in capsys.readouterr().out


def test_long_rows_are_a_file(seen: Inspection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line to copy stays short."""
    monkeypatch.setattr("adding.curl.EXAMPLES", tmp_path / "examples")
    row = {"x": list(range(1000))}
    example = example_of(seen._replace(look=seen.look._replace(row=row)), None)
    assert len(example.data) < 200
    assert row == json.loads((tmp_path / "examples/texts.jsonl").read_text())
