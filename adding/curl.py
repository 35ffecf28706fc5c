"""A request with a real example, to copy to a terminal."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import NamedTuple

from adding.examples import KINDS
from adding.inspection import Inspection
from adding.look import JSON_LINES
from local.build import ROOT

EXAMPLES = ROOT / ".local" / "examples"
_LONGEST_LINE = 400
_PICTURE = Path("examples") / "digit-3.png"


class Example(NamedTuple):
    """A request that a model answers.

    Attributes:
        body: What is sent.
        kind: Its content type.
        data: How curl is told to send it.
    """

    body: bytes
    kind: str
    data: str

    def curl(self, url: str, key: str) -> str:
        """Writes the command."""
        return f"curl -s -H {key} -H 'Content-Type: {self.kind}' {self.data} {url}"


def example_of(seen: Inspection, rows: Path | None) -> Example:
    """Makes the request that is shown: a row of the user's own file, a picture of this project, or a row."""
    if rows is not None:
        return Example(rows.read_bytes(), KINDS[rows.suffix], f"--data-binary @{shlex.quote(str(rows))}")
    row = seen.look.row or {}
    if list(row) == ["image"] and isinstance(row["image"], str):
        return Example((ROOT / _PICTURE).read_bytes(), "image/png", f"--data-binary @{_PICTURE}")
    text = json.dumps(row, ensure_ascii=False)
    if len(text) <= _LONGEST_LINE:
        return Example(text.encode(), JSON_LINES, f"-d {shlex.quote(text)}")
    EXAMPLES.mkdir(parents=True, exist_ok=True)
    path = EXAMPLES / f"{seen.model}.jsonl"
    path.write_text(text + "\n")
    return Example(text.encode(), JSON_LINES, f"--data-binary @{shlex.quote(os.path.relpath(path, ROOT))}")
