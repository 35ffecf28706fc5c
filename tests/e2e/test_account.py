"""`make deploy` and `make destroy` as they are typed, on an emulator of the test's own."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import boto3
import pytest

from account import stacks
from local.aws import environment
from local.build import ROOT, ensure_built
from local.emulator import Emulator

REGION = "eu-central-1"
PATIENCE = 120
ANSWERS = (  # what a person types, once the text before it is shown
    ("Name of the stack [triptych]: ", "shop"),
    ("AlarmEmail: ", "me@example.com"),
    ("Authorization [NONE]: ", ""),
    ("ExistingModelBucket: ", ""),
    ("Deploy this changeset? [y/N]: ", "y"),
)


@pytest.fixture
def account(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[boto3.Session]:
    """An empty account in another region than the emulator's own."""
    ensure_built()
    emulator = Emulator(tmp_path_factory.mktemp("account"))
    emulator.start()
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.aws().endpoint_url)
    monkeypatch.setenv("AWS_REGION", REGION)
    try:
        yield boto3.Session(region_name=REGION)
    finally:
        emulator.stop()


def test_a_stack_from_first_deployment_to_removal(account: boto3.Session) -> None:
    """It is asked for once, keeps what was answered, and leaves what is said."""
    assert "it is created" in typed("deploy", answers=ANSWERS)
    first = stacks.find(account, "shop")
    assert first
    assert "me@example.com" == first.parameters["AlarmEmail"]
    function = stacks.resources(account, first, "AWS::Lambda::Function")["RealtimeFunction"]
    publish(account, function)

    said = run("deploy", "--stack", "shop", "--yes", "--parameters", "ModelRefreshSeconds=5")
    second = stacks.find(account, "shop")
    assert second
    assert {**first.parameters, "ModelRefreshSeconds": "5"} == second.parameters
    told = [line for line in said.splitlines() if "old versions" in line]
    assert ["old versions of functions removed: 1"] == told
    versions = account.client("lambda").list_versions_by_function(FunctionName=function)["Versions"]
    assert ["$LATEST", "3"] == [version["Version"] for version in versions]

    bucket, key = second.outputs["ModelBucket"], "models/churn/1/model.onnx"
    account.client("s3").put_object(Bucket=bucket, Key=key, Body=b"x" * 1_000_000)
    said = typed("destroy", "--stack", "shop", answers=[("Type shop to go on: ", "shop")])
    assert "models: 1 objects, 1.0 MB" in said
    assert stacks.find(account, "shop") is None
    assert account.client("s3").head_object(Bucket=bucket, Key=key)
    assert 6 == run("preflight", "--stack", "shop").count("of an earlier stack")

    run("destroy", "--stack", "shop", "--yes", "--data")
    left = [bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]]
    assert [] == [name for name in left if name.startswith("shop-")]


def publish(account: boto3.Session, function: str) -> None:
    """Publishes a version that no alias will point to."""
    client = account.client("lambda")
    client.update_function_configuration(FunctionName=function, Description="changed by hand")
    client.publish_version(FunctionName=function)


def run(*arguments: str) -> str:
    """Runs a command without a terminal."""
    command = [sys.executable, "-m", "account", *arguments]
    done = subprocess.run(  # noqa: S603 - no input
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def typed(*arguments: str, answers: Sequence[tuple[str, str]]) -> str:
    """Runs a command on a terminal, and answers what it asks."""
    process, terminal = pty.fork()
    if not process:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "account", *arguments])  # noqa: S606 - no shell
    shown = ""
    for question, answer in answers:
        shown += until(terminal, question)
        os.write(terminal, f"{answer}\n".encode())
    shown += until(terminal, None)
    assert 0 == os.waitpid(process, 0)[1], shown
    return shown


def until(terminal: int, text: str | None) -> str:
    """Reads until a text is shown, or to the end."""
    shown = ""
    deadline = time.monotonic() + PATIENCE
    while text is None or text not in shown:
        assert time.monotonic() < deadline, shown
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            shown += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # what Linux says at the end of a terminal
            assert text is None, shown
            break
    return shown
