"""Measuring whole processes: a fresh interpreter each time, until its first response."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness.measuring import Effort, Spread, spread

SECONDS = 900.0
"""Timeout of a run."""

_LAUNCHER = Path(__file__).with_name("launcher.py")


class Program(NamedTuple):
    """A program that writes one line, its answer, and may then end.

    Attributes:
        command: The command line; the first word is an absolute path.
        environment: Its whole environment.
    """

    command: Sequence[str]
    environment: Mapping[str, str]


class Run(NamedTuple):
    """One run of a program.

    Attributes:
        seconds: From its start to its answer.
        peak: Most memory that it held, with all that it started, in bytes.
        answer: The line.
    """

    seconds: float
    peak: int
    answer: str


class Processes(NamedTuple):
    """What came out of several runs of a program.

    Attributes:
        seconds: Seconds from its start to its answer.
        peak: Most memory that it held, with all that it started, in bytes.
    """

    seconds: Spread
    peak: Spread


class ProgramFailed(RuntimeError):
    """The program ended without an answer."""


def run(program: Program, seconds: float = SECONDS) -> Run:
    """Runs a program once.

    Args:
        program: The program; when it has ended, all that it started and left behind is ended too.
        seconds: How long it may take.

    Raises:
        ProgramFailed: It gave no answer, or not in time, or ended with an error; the message is what it
            complained about.
    """
    # Through a small process: what a child is told of its peak memory begins with its parent's.
    launched = subprocess.run(  # noqa: S603 - our own programs
        [sys.executable, "-I", "-S", str(_LAUNCHER), str(seconds), *program.command],
        env=dict(program.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if launched.returncode:
        raise ProgramFailed(launched.stderr.strip()[-2000:] or "no answer")
    return Run(**json.loads(launched.stdout))


def measure_processes(
    contestants: Mapping[str, Program], effort: Effort, *, warm: bool = False
) -> dict[str, Processes]:
    """Measures programs, by turns, after one run of each that warms the disk's cache.

    Args:
        contestants: The programs, by name.
        effort: How much.
        warm: Whether that run has been made.

    Returns:
        Time and memory, by name.

    Raises:
        ProgramFailed: One of them gave no answer.
    """
    for program in () if warm else contestants.values():
        run(program)
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for _ in range(effort.rounds):
        for name, program in contestants.items():
            runs[name].append(run(program))
    return {
        name: Processes(
            spread([[one.seconds] for one in found]), spread([[float(one.peak)] for one in found])
        )
        for name, found in runs.items()
    }
