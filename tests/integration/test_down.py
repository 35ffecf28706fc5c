"""What `make down` says goes with the local stack."""

from pathlib import Path

import pytest
from mypy_boto3_s3 import S3Client
from rich.console import Console

from local import down as command
from local.aws import Aws
from local.down import contents, down
from local.stack import StackInfo

KEYS = {
    "model-bucket": ["models/churn/1/model.onnx", "models/churn/model.toml"],
    "output-bucket": ["churn/a.csv.out", "churn/a.csv.manifest.json", "churn/b.csv.out"],
}


class Stopped:
    """An emulator that runs until it is stopped."""

    def __init__(self) -> None:
        self.alive = True

    def running(self) -> bool:
        """Whether it runs."""
        return self.alive

    def stop(self) -> None:
        """Stops it."""
        self.alive = False


@pytest.fixture
def emulator(aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stopped:  # noqa: ARG001 - in it
    """A running emulator with a stack that holds a model and predictions."""
    emulator = Stopped()
    outputs = {"ModelBucket": "model-bucket", "OutputBucket": "output-bucket"}
    stack = StackInfo(
        "https://s3.amazonaws.com", "us-east-1", "triptych", "http://api", "key", outputs, {}, {}
    )
    stack.write(tmp_path / "stack.json")
    client = Aws(stack.endpoint_url).s3()
    for bucket, keys in KEYS.items():
        _fill(client, bucket, keys)
    monkeypatch.setattr(command, "STACK_FILE", tmp_path / "stack.json")
    monkeypatch.setattr(command, "Emulator", lambda _: emulator)
    return emulator


def _fill(client: S3Client, bucket: str, keys: list[str]) -> None:
    client.create_bucket(Bucket=bucket)
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=b"x")


@pytest.mark.parametrize(("answer", "alive"), [("", True), ("n", True), ("y", False), ("Yes", False)])
def test_a_person_is_asked(
    emulator: Stopped, monkeypatch: pytest.MonkeyPatch, *, answer: str, alive: bool
) -> None:
    """The counts are shown before anything goes."""
    console = Console(record=True, width=200)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda: answer)

    down(console)

    assert "model versions: 1, files of predictions: 2" in console.export_text()
    assert alive == emulator.alive


@pytest.mark.parametrize("yes", [True, False])
def test_a_script_is_told(emulator: Stopped, monkeypatch: pytest.MonkeyPatch, *, yes: bool) -> None:
    """Without a terminal, or with YES=1, it stops."""
    console = Console(record=True, width=200)
    monkeypatch.setattr("sys.stdin.isatty", lambda: yes)

    down(console, yes=yes)

    assert "model versions: 1, files of predictions: 2" in console.export_text()
    assert not emulator.alive


def test_a_stack_that_does_not_answer_is_stopped(tmp_path: Path) -> None:
    """There is nothing to count in it."""
    outputs = {"ModelBucket": "model-bucket", "OutputBucket": "output-bucket"}
    stack_file = tmp_path / "stack.json"
    StackInfo("http://127.0.0.1:9", "us-east-1", "triptych", "", "", outputs, {}, {}).write(stack_file)
    assert {} == contents(stack_file)
    stack_file.write_text('{"api_url": "of an earlier version"}')
    assert {} == contents(stack_file)
