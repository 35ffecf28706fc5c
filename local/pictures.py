"""How models' inputs and answers look on a terminal."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

SHADES = " .:-=+*#@"
BARS, LONGEST_BAR = 6, 40
BLACK = 16  # the darkest pixel of the digits' images


def heading(console: Console, title: str, call: str) -> None:
    """Begin a section.

    Args:
        console: Where it is shown.
        title: What the section is about.
        call: The call that it is about.
    """
    console.rule(f"[bold]{title}", align="left")
    console.print(call, style="cyan", markup=False)


def table(*columns: str) -> Table:
    """Begin a table.

    Args:
        *columns: The headings of its columns.
    """
    return Table(*columns, box=SIMPLE_HEAD, pad_edge=False)


def digit(pixels: Sequence[Sequence[float]], caption: str) -> Text:
    """Draw an image with characters.

    Args:
        pixels: Rows of pixels, 0 (white) to 16 (black).
        caption: What stands below it.
    """
    rows = ["".join(SHADES[round(pixel / BLACK * (len(SHADES) - 1))] * 2 for pixel in row) for row in pixels]
    return Text("\n".join([*rows, caption]))


def histogram(seconds: Sequence[float]) -> Text:
    """Draw how many took how long, a bar for each of six equal spans.

    Args:
        seconds: How long each took; at least one.
    """
    span = max(seconds) / BARS or 1.0
    counts = [0] * BARS
    for value in seconds:
        counts[min(int(value / span), BARS - 1)] += 1
    width = max(counts)
    rows = (
        f"to {(bar + 1) * span:5.2f} s {'█' * round(LONGEST_BAR * count / width)} {count}"
        for bar, count in enumerate(counts)
    )
    return Text("\n".join([*rows, ""]))
