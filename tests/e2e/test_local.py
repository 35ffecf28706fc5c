"""What `make up` prints and what `make down` stops."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.aws import environment
from local.build import ROOT
from local.emulator import Emulator
from local.failure import LocalFailure
from local.stack import StackInfo
from local.up import guide


def test_every_printed_line_works(stack: StackInfo) -> None:
    """Each curl line can be copied to a terminal and is answered with success."""
    lines = [line for line in guide(stack).splitlines() if line.startswith("curl ")]
    assert len(lines) == 6
    for line in lines:
        subprocess.run(  # noqa: S603 - the line that users copy
            ["bash", "-c", line.replace("curl ", "curl --fail --silent ", 1)],  # noqa: S607 - the user's shell
            cwd=ROOT,
            env=environment(),
            check=True,
            capture_output=True,
        )


def test_a_process_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    """A process file that was left behind names a number that may be anybody's by now."""
    emulator = Emulator(tmp_path)
    emulator.process_file.write_text(f"{os.getpid()} 4566\n")

    assert not emulator.running()
    emulator.stop()

    assert not emulator.process_file.exists()


def test_an_emulator_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of its log is in the message, and nothing is left running."""
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))  # no interpreter starts with it
    emulator = Emulator(tmp_path)

    with pytest.raises(LocalFailure, match="Failed to import encodings"):
        emulator.start()

    assert not emulator.running()


def test_emulators_that_start_at_once_do_not_meet(tmp_path: Path) -> None:
    """Each has a port of its own, and answers there."""
    emulators = [Emulator(tmp_path / str(number)) for number in range(2)]
    try:
        with ThreadPoolExecutor() as threads:
            list(threads.map(Emulator.start, emulators))
        assert 2 == len({emulator.aws().endpoint_url for emulator in emulators})
        assert all(emulator.running() for emulator in emulators)
    finally:
        for emulator in emulators:
            emulator.stop()


def test_the_environment_knows_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that the emulator or its functions run can reach the user's account."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")

    left = {name for name in environment() if name.startswith("AWS_")}

    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"} == left
    assert "test" == environment()["AWS_SECRET_ACCESS_KEY"]
