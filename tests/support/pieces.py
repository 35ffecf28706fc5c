"""Files that are transformed in one piece, or in many, and joined."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import orjson
from triptych.clock import Deadline
from triptych.inference.file import transform_piece
from triptych.inference.output import TABLES, Written, head, rewrite, tail
from triptych.inference.piece import Counts, Lookups, Piece, Prediction, Report, Sinks
from triptych.inference.slices import Budget, Sizes
from triptych.models.model import Model
from triptych.rows.formats import RowFormat
from triptych.rows.options import RowOptions

from tests.support.file_reader import FileReader

TINY = Sizes(first=1, largest=64, block=32)


class Wanted(NamedTuple):
    """What is asked for.

    Attributes:
        form: How the output is written.
        join: `all`, `none` or names of columns with commas between.
        outputs: Names of outputs with commas between; None for all.
        key: Column that identifies a record for lookups; None when there are none.
    """

    form: RowFormat
    join: str = "none"
    outputs: str | None = None
    key: str | None = None


class Made(NamedTuple):
    """What came of a file.

    Attributes:
        output: The joined output.
        errors: Failed records, numbered within the file.
        counts: How many records.
        predictions: Them by key.
        pieces: How many pieces were made.
    """

    output: bytes
    errors: list[dict[str, Any]]
    counts: Counts
    predictions: list[Prediction]
    pieces: int


def source_of(content: bytes, directory: Path, block: int = 2**20) -> FileReader:
    """Puts content where a reader finds it."""
    path = directory / "source"
    path.write_bytes(content)
    return FileReader(path, block)


def made(  # noqa: PLR0913 - each is one thing about the file
    model: Model,
    content: bytes,
    form: RowFormat,
    wanted: Wanted,
    *,
    cuts: Sequence[int] | None = None,
    head_row: bytes = b"",
    sizes: Sizes = TINY,
) -> Made:
    """Transforms a file piece by piece.

    Args:
        model: What predicts.
        content: The file.
        form: How it is written.
        wanted: What is wanted.
        cuts: Where pieces begin and end, from the first position to the last; None for a single piece.
        head_row: The header that stands before the first cut.
        sizes: How much is done at once.
    """
    pieces: list[tuple[bytes, Report]] = []
    errors: list[dict[str, Any]] = []
    predictions: list[Prediction] = []
    counts = Counts()
    with TemporaryDirectory() as name:
        source = source_of(content, Path(name), 7)
        for start, end in pairwise(cuts or [0, len(content)]):
            output, failed = io.BytesIO(), io.BytesIO()
            piece = Piece(source, start, end, head_row)
            lookups = Lookups(wanted.key, predictions.extend) if wanted.key else None
            options = RowOptions.of(form, wanted.form, wanted.join, wanted.outputs)
            budget = Budget(Deadline.after(60), lambda: None, sizes)
            report = transform_piece(model, piece, options, Sinks(output, failed, lookups), budget)
            for line in failed.getvalue().splitlines():
                error = orjson.loads(line)
                errors.append({**error, "record": error["record"] + counts.read})
            counts += report.counts
            pieces.append((output.getvalue(), report))
    whole = _joined(model, pieces, wanted, counts.written)
    return Made(whole, errors, counts, predictions, len(pieces))


def _joined(model: Model, pieces: list[tuple[bytes, Report]], wanted: Wanted, rows: int) -> bytes:
    if wanted.form.format in TABLES:
        return _rewritten([body for body, _ in pieces], wanted)
    last = max((report for _, report in pieces), key=lambda report: report.counts.written)
    envelope = {"model_name": model.name, "model_version": str(model.version)}
    before = head(wanted.form, Written(last.columns, last.layout), rows, envelope)
    return before + b"".join(body for body, _ in pieces) + tail(wanted.form)


def _rewritten(bodies: list[bytes], wanted: Wanted) -> bytes:
    with TemporaryDirectory() as name:
        parts = [Path(name, f"part-{number}") for number in range(len(bodies))]
        for path, body in zip(parts, bodies, strict=True):
            path.write_bytes(body)
        whole = io.BytesIO()
        rewrite([FileReader(path) for path in parts], wanted.form, whole)
        return whole.getvalue()
