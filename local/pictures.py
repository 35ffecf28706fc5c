"""How models' inputs and answers look on a terminal."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

SHADES = " .:-=+*#@"
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
