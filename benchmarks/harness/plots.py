"""Plots of results, as SVG."""

from __future__ import annotations

from itertools import cycle, groupby
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from benchmarks.harness.result import Figure, Result
from benchmarks.harness.tables import shown

_OURS, _OTHERS = "#0f766e", "#94a3b8"
_DAYLESS = {"Date": None, "Creator": None}  # the same figures are the same file


def plot(result: Result, path: Path, ours: str = "triptych") -> None:
    """Draws a bar for each figure, case by case.

    Args:
        result: The result.
        path: Where the plot goes.
        ours: How the names of contestants begin whose bars have a colour.
    """
    cases = [list(same) for _, same in groupby(result.figures, key=lambda figure: (figure.case, figure.unit))]
    heights = [len(case) + 1.4 for case in cases]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "triptych", "font.size": 9}):
        drawing = Drawing(figsize=(8, 0.25 * sum(heights)), layout="constrained")
        axes = drawing.subplots(len(cases), 1, squeeze=False, height_ratios=heights)
        for axis, case in zip(axes[:, 0], cases, strict=True):
            _bars(axis, case, ours)
        drawing.savefig(path, format="svg", metadata=_DAYLESS)


def growth(result: Result, path: Path, upright: str, ours: str = "triptych") -> None:
    """Draws a line for each contestant, over the number that a case begins with; both axes are logarithmic.

    Args:
        result: The result; cases that begin otherwise are left out.
        path: Where the plot goes.
        upright: What the upright axis tells.
        ours: How the names of contestants begin whose lines have a colour.
    """
    lines: dict[str, list[tuple[int, float]]] = {}
    for figure in result.figures:
        number, _, _ = figure.case.partition(" ")
        if number.replace(",", "").isdecimal():
            point = int(number.replace(",", "")), figure.value.median
            lines.setdefault(figure.contestant, []).append(point)
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "triptych", "font.size": 9}):
        drawing = Drawing(figsize=(8, 4.5), layout="constrained")
        axis = drawing.subplots()
        for (name, line), marker in zip(lines.items(), cycle("osD^v*"), strict=False):
            colour = _OURS if name.startswith(ours) else _OTHERS
            axis.loglog(*zip(*line, strict=True), color=colour, marker=marker, label=name)
        axis.set_ylabel(upright)
        axis.set_xlabel(result.figures[0].case.partition(" ")[2])
        axis.grid(visible=True, color="#e2e8f0")
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(loc="upper right", frameon=False)
        drawing.savefig(path, format="svg", metadata=_DAYLESS)


def _bars(axis: Axes, case: list[Figure], ours: str) -> None:
    names = [figure.contestant for figure in case]
    values = [figure.value.median for figure in case]
    colours = [_OURS if name.startswith(ours) else _OTHERS for name in names]
    bars = axis.barh(names, values, color=colours, height=0.75)
    axis.bar_label(bars, [shown(figure.value.median, figure.unit) for figure in case], padding=3)
    axis.set_title(f"{case[0].case} ({case[0].unit})", loc="left", fontsize=9)
    axis.invert_yaxis()
    axis.set_xlim(0, max(values) * 1.15 or 1)
    axis.set_xticks([])
    axis.spines[["top", "right", "bottom"]].set_visible(False)
