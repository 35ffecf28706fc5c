"""Plots of results, as SVG: bars of a case, lines over the sizes of one, shares of a whole.

A contestant has one colour in all plots; the variants of one are shades of it, in their order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import batched, cycle
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter

from benchmarks.harness.result import Figure, Result
from benchmarks.harness.tables import shown

_COLOURS = {
    "triptych": "#0f766e",
    **dict.fromkeys(("floor", "arro3", "bare function"), "#334155"),
    **dict.fromkeys(("handler by hand", "loop by hand", "pandas"), "#b45309"),
    **dict.fromkeys(("FastAPI", "mini-batches"), "#2563eb"),
    **dict.fromkeys(("polars", "LitServe"), "#7c3aed"),
    **dict.fromkeys(("Ray", "BentoML"), "#be185d"),
    **dict.fromkeys(("SageMaker", "MLServer"), "#d97706"),
}
_OTHER = "#94a3b8"
_WHITE = (0.0, 0.45, 0.7, 0.3, 0.6, 0.15)
"""Share of white in the shades of a colour."""
_OF_PARTS = [to_hex(colour) for colour in mpl.colormaps["tab20"].colors]  # type: ignore[attr-defined]  # a list
_SIZES = {
    "rows": "by rows",
    "an invocation": "by jobs of an invocation",
    "predictions a month": "by predictions a month",
}
_SIZE = re.compile(rf"(\d[\d,]*) ({'|'.join(_SIZES)})")
_REPEATED = ("of it, ", "triptych by size of file")
_PRICE_OF_TIME = "Lambda's price of a million"
_DAYLESS = {"Date": None, "Creator": None}  # the same figures are the same file

type Shades = dict[str, str]


class Panel(NamedTuple):
    """A part of a plot.

    Attributes:
        title: What it is about.
        figures: What it shows.
        draw: Draws that.
        height: Of it, in bars.
    """

    title: str
    figures: Sequence[Figure]
    draw: Callable[[Axes, Sequence[Figure], Shades], None]
    height: float


def plot(result: Result, path: Path) -> None:
    """Draws a result.

    Args:
        result: The result; what two figures say is drawn once.
        path: Where the plot goes.
    """
    panels = panels_of(result.figures)
    names = dict.fromkeys(figure.contestant for panel in panels for figure in panel.figures)
    are_parts = {figure.unit for figure in result.figures} == {"%"}
    shades = dict(zip(names, cycle(_OF_PARTS), strict=False)) if are_parts else _shades(names)
    rows = list(batched(panels, 2, strict=False))
    heights = [max(panel.height for panel in row) + 1.4 for row in rows]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "triptych", "font.size": 9}):
        drawing = Drawing(figsize=(9, 0.25 * sum(heights) + 0.6), layout="constrained")
        axes = drawing.subplots(len(rows), min(2, len(panels)), squeeze=False, height_ratios=heights)
        for axis, panel in zip(axes.flat, panels, strict=False):
            axis.set_title(panel.title, loc="left", fontsize=9)
            axis.spines[["top", "right"]].set_visible(False)
            panel.draw(axis, panel.figures, shades)
        for axis in axes.flat[len(panels) :]:
            axis.set_axis_off()
        patches = [Patch(color=colour, label=name) for name, colour in shades.items()]
        drawing.legend(handles=patches, loc="outside upper left", ncols=3, frameon=False)
        drawing.savefig(path, format="svg", metadata=_DAYLESS)


def panels_of(figures: Sequence[Figure]) -> list[Panel]:
    """Sorts figures into panels.

    Cases that differ by their size only are one panel, and percentages are one; prices that are those of the
    time beside them, and sums of figures, are left out.
    """
    wanted = [
        figure
        for figure in figures
        if not figure.case.startswith(_REPEATED) and _PRICE_OF_TIME not in figure.case
    ]
    found: dict[tuple[str, str], list[Figure]] = {}
    for figure in wanted:
        title = "shares of the time" if figure.unit == "%" else _SIZE.sub(_growing, figure.case)
        found.setdefault((title, figure.unit), []).append(figure)
    return [panel for (title, unit), same in found.items() for panel in _panels(title, unit, same)]


def _growing(size: re.Match[str]) -> str:
    return _SIZES[size[2]]


def _panels(title: str, unit: str, figures: list[Figure]) -> list[Panel]:
    cases = list(dict.fromkeys(figure.case for figure in figures))
    if unit == "%":
        return [Panel(title, figures, _shares, 2 * len(cases))]
    if len(cases) > 1:
        return [Panel(f"{title} ({'MB' if unit == 'bytes' else unit})", figures, _lines, 9)]
    return [Panel(f"{cases[0]} ({'MB' if unit == 'bytes' else unit})", figures, _bars, len(figures))]


def _shades(names: Iterable[str]) -> Shades:
    """Returns the colours of contestants: the variants of one are lighter in turn."""
    variants: dict[str, int] = {}
    shades: Shades = {}
    for name in names:
        base = next((colour for start, colour in _COLOURS.items() if name.startswith(start)), _OTHER)
        number = variants[base] = variants.get(base, -1) + 1
        white = _WHITE[number % len(_WHITE)]
        red, green, blue = (part + (1 - part) * white for part in to_rgb(base))
        shades[name] = to_hex((red, green, blue))
    return shades


def _bars(axis: Axes, figures: Sequence[Figure], shades: Shades) -> None:
    values = [figure.value.median for figure in figures]
    colours = [shades[figure.contestant] for figure in figures]
    bars = axis.barh(range(len(values)), values, color=colours, height=0.75)
    ratios = (f", {value / values[0]:.3g} x" if values[0] else "" for value in values[1:])
    labels = [shown(figure.value.median, figure.unit) for figure in figures]
    axis.bar_label(bars, list(map("".join, zip(labels, ["", *ratios], strict=True))), padding=3)
    axis.invert_yaxis()
    axis.set_xlim(0, max(values) * 1.5 or 1)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines["bottom"].set_visible(False)


def _lines(axis: Axes, figures: Sequence[Figure], shades: Shades) -> None:
    lines: dict[str, list[tuple[int, float]]] = {}
    for figure in figures:
        size = _SIZE.search(figure.case)
        value = figure.value.median / (2**20 if figure.unit == "bytes" else 1)
        lines.setdefault(figure.contestant, []).append((int(size[1].replace(",", "")) if size else 0, value))
    for name, line in lines.items():
        axis.loglog(*zip(*line, strict=True), color=shades[name], marker="o", markersize=4)
    axis.set_xticks(sorted({size for line in lines.values() for size, _ in line}))
    axis.xaxis.set_major_formatter(lambda size, _: f"{size:,.0f}")
    axis.xaxis.minorticks_off()
    axis.yaxis.set_major_formatter(_plain)
    low, high = axis.get_ylim()
    axis.yaxis.set_minor_formatter(_plain if high < 10 * low else NullFormatter())
    axis.grid(visible=True, color="#e2e8f0")


def _plain(value: float, _: object) -> str:
    return f"{value:g}" if value < 1 else f"{value:,.0f}"


def _shares(axis: Axes, figures: Sequence[Figure], shades: Shades) -> None:
    cases = list(dict.fromkeys(figure.case for figure in figures))
    ends = dict.fromkeys(cases, 0.0)
    for figure in figures:
        share, case = figure.value.median, figure.case
        bars = axis.barh(cases.index(case), share, left=ends[case], color=shades[figure.contestant])
        axis.bar_label(bars, [f"{share:.0f}"], label_type="center", color="white")
        ends[case] += share
    axis.set_yticks(range(len(cases)), [case.partition(":")[0] for case in cases])
    axis.invert_yaxis()
    axis.set_xlim(0, 100)
