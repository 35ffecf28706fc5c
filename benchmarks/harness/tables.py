"""Tables of results, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from benchmarks.harness.goals import verdicts
from benchmarks.harness.result import Figure, Result

_TIMES = ((1.0, "s", 1), (1e-3, "ms", 1e3), (0.0, "µs", 1e6))


def shown(value: float, unit: str) -> str:
    """Writes a figure as people read it."""
    if unit == "s":
        _, name, factor = next(row for row in _TIMES if value >= row[0])
        return f"{_three(value * factor)} {name}"
    if unit == "bytes":
        return f"{value / 2**20:,.0f} MB"
    if unit == "$":
        return f"${value:.3g}"
    return f"{_three(value)} {unit}"


def tables(result: Result) -> str:
    """Writes a result without its plot: figures by case, goals, missing contestants."""
    parts = [
        _figures(result),
        _goals(result),
        _missing(result),
        "\n".join(f"- {note}" for note in result.notes),
    ]
    return "\n\n".join(part for part in parts if part)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Writes a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _figures(result: Result) -> str:
    rows = []
    for (case, unit), same in groupby(result.figures, key=lambda figure: (figure.case, figure.unit)):
        found = list(same)
        first = found[0].value.median
        rows += [_row(case if figure is found[0] else "", figure, unit, first) for figure in found]
    header = ["what", "who", "median", "of the first", "lowest to highest run", "95 of 100 below"]
    return table(header, rows)


def _row(case: str, figure: Figure, unit: str, first: float) -> list[str]:
    value = figure.value
    ratio = f"{_three(value.median / first)} x" if first else ""
    between = f"{shown(value.low, unit)} to {shown(value.high, unit)}"
    return [case, figure.contestant, shown(value.median, unit), ratio, between, shown(value.late, unit)]


def _goals(result: Result) -> str:
    if not result.goals:
        return ""
    rows = [
        [
            f"{goal.case}: {goal.over} / {goal.under}, {goal.unit}",
            f"{goal.bound} {goal.ratio:g}",
            "" if verdict.ratio is None else f"{verdict.ratio:.2f}",
            verdict.word,
        ]
        for verdict in verdicts(result)
        for goal in [verdict.goal]
    ]
    return table(["ratio", "target", "measured", ""], rows)


def _missing(result: Result) -> str:
    if not result.missing:
        return ""
    rows = [[missing.contestant, f"`{_one_line(missing.reason)}`"] for missing in result.missing]
    return table(["not measured", "why"], rows)


def _one_line(text: str) -> str:
    return " ".join(text.replace("`", "'").replace("|", "/").split())[:300]


def _three(value: float) -> str:
    """Three digits that count, without an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
