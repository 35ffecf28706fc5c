"""Measuring, and telling what was measured."""

import sys
from pathlib import Path

import pytest

from benchmarks.harness.goals import verdicts
from benchmarks.harness.measuring import SMOKE, Spread, measure, spread
from benchmarks.harness.plots import panels_of
from benchmarks.harness.processes import Program, ProgramFailed, measure_processes, run
from benchmarks.harness.result import Figure, Goal, Missing, Result, load
from benchmarks.harness.tables import shown, tables
from benchmarks.report import report
from benchmarks.summary import HEADLINES, summary

_SLOW, _FAST = Spread(0.02, 0.01, 0.03, 0.04), Spread(0.002, 0.001, 0.003, 0.004)


@pytest.fixture
def result() -> Result:
    """Two contestants, one of whom is ten times as fast, and one who did not start."""
    return Result(
        question="question",
        title="A question",
        effort="quick",
        figures=[Figure("case", "triptych", "s", _FAST), Figure("case", "floor", "s", _SLOW)],
        goals=[
            Goal("case", "s", "floor", "triptych", "at least", 6),
            Goal("case", "s", "floor", "triptych", "at most", 1.2),
            Goal("case", "s", "nobody", "triptych", "at most", 1.2),
        ],
        missing=[Missing("rival", "no | such\nfile")],
        notes=["A note."],
    )


def test_a_spread() -> None:
    """It is of all values, and of the runs' medians."""
    assert (3.0, 2.0, 5.0) == spread([[1.0, 2.0, 3.0], [3.0, 5.0, 9.0]])[:3]


def test_turns() -> None:
    """Contestants are called by turns."""
    calls: list[str] = []
    found = measure(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, SMOKE._replace(rounds=2)
    )
    assert ["a", "a", "b", "b", "a", "a", "b", "b"] == calls[-8:]
    assert ["a", "b"] == list(found)


def test_a_program() -> None:
    """Its time is until its first line, its memory its own and not that of who started it."""
    script = "import time; print('answer', flush=True); time.sleep(0.5)"
    ballast = b"x" * 2**27
    (found,) = measure_processes(
        {"script": Program([sys.executable, "-S", "-c", script], {})}, SMOKE
    ).values()
    assert 0 < found.seconds.median < 0.5
    assert 0 < found.peak.median < len(ballast)


@pytest.mark.parametrize("script", ["raise SystemExit('broken')", "pass"])
def test_a_program_that_fails(script: str) -> None:
    """It is no result."""
    with pytest.raises(ProgramFailed, match=r"broken|no answer"):
        measure_processes({"script": Program([sys.executable, "-S", "-c", script], {})}, SMOKE)


@pytest.mark.parametrize(
    "script",
    [
        "import time; time.sleep(60)",
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])",
    ],
    ids=["hangs", "leaves one that holds its output"],
)
def test_a_program_that_never_ends(script: str) -> None:
    """Its time is limited, and that of what it starts."""
    with pytest.raises(ProgramFailed, match="not done after 1 s"):
        run(Program([sys.executable, "-S", "-c", script], {}), 1)


def test_what_a_program_leaves_behind(tmp_path: Path) -> None:
    """It is ended with it, also where it has made itself a daemon, and its memory counts."""
    left = tmp_path / "left"
    script = f"""
import os, pathlib, time
left = pathlib.Path({str(left)!r})
if os.fork():
    while not left.exists():
        time.sleep(0.1)
    time.sleep(1)
    print("answer", flush=True)
else:
    os.setsid()
    held = b"x" * 2**27
    left.write_text(str(os.getpid()))
    time.sleep(60)
"""
    found = run(Program([sys.executable, "-c", script], {}), 30)
    assert found.peak > 2**27
    assert not Path("/proc", left.read_text()).exists()


def test_goals(result: Result) -> None:
    """They are judged by the ratio of medians; who was not measured reaches none."""
    assert [(10.0, True), (10.0, False), (None, False)] == [
        (verdict.ratio and round(verdict.ratio, 6), verdict.met) for verdict in verdicts(result)
    ]


def test_a_result_as_a_file(result: Result, tmp_path: Path) -> None:
    """It is read as it was written."""
    assert result == load(result.save(tmp_path))


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1.5 s", 1.5, "s"),
        ("20 ms", 0.02, "s"),
        ("9.4 µs", 9.4e-6, "s"),
        ("3 MB", 3 * 2**20, "bytes"),
        ("$1.5e-07", 1.5e-7, "$"),
        ("12,345 jobs/s", 12345.0, "jobs/s"),
    ],
)
def test_figures(text: str, value: float, unit: str) -> None:
    """They are written with three digits and a unit that suits them."""
    assert text == shown(value, unit)


def test_tables(result: Result) -> None:
    """They tell figures, goals, who is missing and why, and notes."""
    text = tables(result)
    assert "| case | triptych | 2 ms | 1 x | 1 ms to 3 ms | 4 ms |" in text
    assert "| case: floor / triptych, s | at least 6 | 10.00 | met |" in text
    assert "| case: floor / triptych, s | at most 1.2 | 10.00 | **not met** |" in text
    assert "| rival | `no / such file` |" in text
    assert text.endswith("- A note.")


def test_the_report(result: Result, tmp_path: Path) -> None:
    """It has a section and a plot for each result, and is the same each time."""
    result.save(tmp_path / "results")
    page = report(tmp_path / "results", tmp_path / "docs")
    plot = tmp_path / "docs/benchmarks/question.svg"
    first = plot.read_bytes()
    report(tmp_path / "results", tmp_path / "docs")
    assert "## A question" in page.read_text(encoding="utf-8")
    assert first == plot.read_bytes()
    assert b"10 ms" not in first
    assert b"2 ms" in first


def test_panels() -> None:
    """Sizes of one case are one panel; prices that are times, and sums, are in the tables only."""
    figures = [
        Figure(case, "triptych", unit, _FAST)
        for case, unit in [
            ("10 rows", "rows/s"),
            ("100 rows", "rows/s"),
            ("10 rows of Parquet", "rows/s"),
            ("100 rows", "bytes"),
            ("a model, Lambda's price of a million", "$"),
            ("of it, triptych, a million a month", "$"),
            ("mode one", "%"),
            ("mode two", "%"),
        ]
    ]
    assert [
        ("by rows (rows/s)", 2),
        ("10 rows of Parquet (rows/s)", 1),
        ("100 rows (MB)", 1),
        ("shares of the time", 2),
    ] == [(panel.title, len(panel.figures)) for panel in panels_of(figures)]


def test_the_summary() -> None:
    """It has a ratio and a verdict for what was measured, whatever its size, and says what was not."""
    files = "1 rows, 2 MB"
    measured = Result(
        "workflow",
        "Files",
        "quick",
        [
            Figure(files, HEADLINES[8].goal.over, "rows/s", _SLOW),
            Figure(files, HEADLINES[8].goal.under, "rows/s", _FAST),
        ],
    )
    rows = summary([measured]).splitlines()[2:]
    assert len(rows) == len(HEADLINES) == 10
    assert rows.pop(8).endswith("| **10.00** | at least 0.85 | met |")
    assert all(row.endswith("| not measured |") for row in rows)
