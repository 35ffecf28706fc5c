"""Values of parameters as they are typed, and where commands find account and region."""

import os
import subprocess
from pathlib import Path

import pytest

from account.connection import connect
from account.parameters import parse
from local.build import ROOT
from local.failure import LocalFailure


def test_values_are_read_as_a_shell_would() -> None:
    """Quotes keep spaces, and a value may be empty."""
    text = """MemorySize=2048 BatchScheduleExpression="cron(0 2 * * ? *)" AlarmEmail= ApiGatewayLogRole=a=b"""

    assert {
        "MemorySize": "2048",
        "BatchScheduleExpression": "cron(0 2 * * ? *)",
        "AlarmEmail": "",
        "ApiGatewayLogRole": "a=b",
    } == parse(text)
    assert {} == parse("")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("AlarmEmial=a@b.c", "no parameter is named AlarmEmial; did you mean AlarmEmail?"),
        ("MemorySize", "expected Name=value, got MemorySize"),
        ("MemorySize=big", "MemorySize is a number"),
        ("MemorySize=511", "at least 512 and at most 10240"),
        ("MemorySize=10241", "at least 512 and at most 10240"),
        ("Authorization=IAM", "one of NONE, AWS_IAM, not IAM"),
        ("JobTimeout=31", "one of 30, 60"),
        ("AlarmEmail=me", "AlarmEmail cannot be 'me'"),
        ("ReservedConcurrency=-1", "ReservedConcurrency cannot be '-1'"),
        (f"PreloadModels={'m' * 51}", "PreloadModels cannot be"),
        ("MemorySize='2048", "No closing quotation"),
    ],
)
def test_what_cannot_be_deployed_is_refused(text: str, reason: str) -> None:
    """A typing mistake costs seconds, not a rolled back stack."""
    with pytest.raises(LocalFailure) as failure:
        parse(text)

    assert reason in str(failure.value)


def test_the_region_is_that_of_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment wins, as for the command line of AWS; without any the command says what to do."""
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    assert "eu-west-3" == connect().region_name
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert "eu-north-1" == connect().region_name

    monkeypatch.delenv("AWS_REGION")
    config.write_text("")
    with pytest.raises(LocalFailure, match="no region is set"):
        connect()


@pytest.mark.parametrize(("target", "chosen"), [("deploy", False), ("destroy", False), ("test", True)])
def test_make_leaves_the_region_of_an_account_alone(target: str, *, chosen: bool) -> None:
    """Commands on this machine need just any region; those on an account the one of its profile."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE"))}
    rules = subprocess.run(  # noqa: S603 - no input
        ["make", "--dry-run", "--print-data-base", target],  # noqa: S607 - the user's make
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert chosen == ("AWS_DEFAULT_REGION" in rules.stdout.replace("ifeq", ""))
