"""The engine of the batch mode: a file in, predictions and failed records out."""

import sys
from pathlib import Path

from triptych.batches.form import FileForm, FileFormat
from triptych.bulk.piece import Piece, Sinks, Wanted, Watch
from triptych.bulk.transform import transform_piece
from triptych.interfaces.deadline import Deadline
from triptych.interfaces.settings import SessionSettings
from triptych.onnx.session import open_session
from triptych.serving.model import Model
from triptych.serving.model_config import ModelConfig

from tests.support.objects import FileReader

READ = 2**23  # bytes, as the adapter of S3 reads
SECONDS = 3600

if __name__ == "__main__":
    _, source, model, target = sys.argv
    session = open_session(Path(model), SessionSettings(weights="prepacked"))
    opened = Model("m", 1, ModelConfig(), session, 0.0)
    csv = FileForm(FileFormat.CSV)
    file = Path(source)
    piece = Piece(FileReader(file, READ), csv, 0, file.stat().st_size)
    with Path(target).open("wb") as output, Path(f"{target}.errors").open("wb") as errors:
        output.write(b"id,y\n")  # as the join of parts does
        sinks = Sinks(output, errors, lambda _: None)
        watch = Watch(Deadline.after(SECONDS), lambda: None)
        report = transform_piece(opened, piece, Wanted(csv, join="id"), sinks, watch)
    if report.counts.failed:
        raise SystemExit(f"{report.counts.failed} records failed")
    print("done", flush=True)
