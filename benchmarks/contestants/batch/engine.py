"""The engine of the batch mode: a file in, predictions and failed records out."""

import sys
from pathlib import Path

from triptych.clock import Deadline
from triptych.inference.file import transform_piece
from triptych.inference.output import Written, head
from triptych.inference.piece import Piece, Sinks
from triptych.inference.slices import Budget
from triptych.inference.table_reading import footer_of
from triptych.models.config import ModelConfig, SessionSettings
from triptych.models.model import Model
from triptych.models.session import open_session
from triptych.rows.formats import Format, RowFormat
from triptych.rows.options import RowOptions

from tests.support.file_reader import FileReader

READ = 2**23  # bytes, as the adapter of S3 reads
SECONDS = 3600


def transform(source: Path, model: Path, target: Path) -> None:
    """Transforms a file of rows by a model of tensors.

    Args:
        source: CSV, JSON Lines or Parquet with a column `id`.
        model: The `.onnx` file.
        target: Where `id` and `y` go, in the same format.
    """
    session = open_session(model, SessionSettings(weights="prepacked"))
    predict(Model("m", 1, ModelConfig(), session), source, target)


def predict(opened: Model, source: Path, target: Path) -> None:
    """Transforms a file by a model that is open.

    Raises:
        SystemExit: Records failed.
    """
    form = RowFormat(Format(source.suffix[1:]))
    reader = FileReader(source, READ)
    end = footer_of(reader).rows if form.format is Format.PARQUET else reader.size
    with target.open("wb") as output, target.with_suffix(".errors").open("wb") as errors:
        output.write(head(form, Written(("id", "y"), ""), 0, {}))  # as the join of parts does
        budget = Budget(Deadline.after(SECONDS), lambda: None)
        options = RowOptions(form, form, join=("id",))
        report = transform_piece(opened, Piece(reader, 0, end), options, Sinks(output, errors), budget)
    if report.counts.failed:
        raise SystemExit(f"{report.counts.failed} records failed")


if __name__ == "__main__":
    transform(*map(Path, sys.argv[1:]))
    print("done", flush=True)
