"""The command line of a question."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness.measuring import FULL, QUICK, SMOKE, Effort
from benchmarks.harness.result import RESULTS, Result
from benchmarks.harness.tables import tables

_EFFORTS = {"smoke": SMOKE, "quick": QUICK, "full": FULL}

Question = Callable[[Effort], Result]


def answer(question: Question) -> None:
    """Runs a benchmark with the options of the command line, writes and prints the result.

    Args:
        question: Measures with some effort.
    """
    parser = argparse.ArgumentParser(description=question.__doc__)
    parser.add_argument("--effort", choices=_EFFORTS, default="quick")
    parser.add_argument("--into", type=Path, default=RESULTS, help="directory of the result")
    arguments = parser.parse_args()
    result = question(_EFFORTS[arguments.effort])
    result.save(arguments.into)
    print(f"## {result.title}\n\n{tables(result)}\n")
