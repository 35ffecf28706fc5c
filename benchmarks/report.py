"""Writes docs/benchmarks.md and its plots from the results: `python -m benchmarks.report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness.machine import machine_line
from benchmarks.harness.plots import plot
from benchmarks.harness.result import RESULTS, Result, load
from benchmarks.harness.tables import tables
from benchmarks.models import ROOT
from benchmarks.summary import summary

_QUESTIONS = (
    "warm_request",
    "cold_start",
    "serving",
    "servers",
    "jobs",
    "batch",
    "workflow",
    "texts",
    "cost",
    "profiles",
)
"""In the order of the report; further ones come after them."""

_HEAD = """# Benchmarks

`make bench-report` writes this page from `benchmarks/results`, which `make bench` writes in about twelve
minutes and `make bench-full` in full. Contestants take turns, so compare figures within one table only:
ratios are portable, milliseconds are not. *Median* is over all runs, followed by the medians of the fastest
and the slowest run.
[Missed targets](speed.md), and why.

## At a glance
"""


def report(results: Path = RESULTS, into: Path = ROOT / "docs") -> Path:
    """Writes the report.

    Args:
        results: Directory of the results.
        into: Directory of the report; its plots go into `benchmarks` beside it.

    Returns:
        The report.
    """
    found = sorted((load(path) for path in results.glob("*.json")), key=_place)
    plots = into / "benchmarks"
    plots.mkdir(parents=True, exist_ok=True)
    for result in found:
        plot(result, plots / f"{result.question}.svg")
    page = into / "benchmarks.md"
    page.write_text(
        "\n".join([_HEAD, f"{summary(found)}\n", *(_section(result) for result in found)]), encoding="utf-8"
    )
    return page


def _place(result: Result) -> tuple[int, str]:
    known: Sequence[str] = _QUESTIONS
    place = known.index(result.question) if result.question in known else len(known)
    return place, result.question


def _section(result: Result) -> str:
    made = f"{result.made}, {result.effort}: {machine_line(result.machine)}."
    picture = f"![{result.title}](benchmarks/{result.question}.svg)"
    command = f"`uv run python -m benchmarks.{result.question}`"
    return f"## {result.title}\n\n{command}\n\n{picture}\n\n{tables(result)}\n\n{made}\n"


if __name__ == "__main__":
    report()
