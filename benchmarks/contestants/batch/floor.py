"""The least there is to do: arro3 reads, ONNX Runtime runs, arro3 writes; nothing is checked."""

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import onnxruntime
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import read_csv, read_json, read_parquet, write_csv, write_ndjson, write_parquet

COLUMNS = [f"x_{number}" for number in range(20)]
ROWS = 8192
ROW = Schema([Field("id", DataType.int64()), *(Field(name, DataType.float32()) for name in COLUMNS)])


def read(source: Path, schema: Schema = ROW) -> RecordBatchReader:
    """Reads a file of CSV, JSON Lines or Parquet."""
    if source.suffix == ".csv":
        return read_csv(str(source), schema, has_header=True, batch_size=ROWS)
    if source.suffix == ".jsonl":
        return read_json(str(source), schema, batch_size=ROWS)
    return read_parquet(str(source), batch_size=ROWS)


def write(batches: RecordBatchReader, target: Path) -> None:
    """Writes such a file."""
    if target.suffix == ".csv":
        write_csv(batches, target)
    elif target.suffix == ".jsonl":
        write_ndjson(batches, target)
    else:
        write_parquet(batches, target, compression="snappy")


def predicted(batches: RecordBatchReader, session: onnxruntime.InferenceSession) -> Iterator[RecordBatch]:
    """Predicts batch by batch."""
    for batch in batches:
        rows = np.empty((batch.num_rows, len(COLUMNS)), np.float32)
        for number in range(len(COLUMNS)):
            rows[:, number] = batch.columns[number + 1].to_numpy()
        (found,) = session.run(None, {"x": rows})
        values = Array.from_numpy(np.ascontiguousarray(found[:, 0]))
        yield RecordBatch.from_arrays([batch.columns[0], values], names=["id", "y"])


if __name__ == "__main__":
    source, model, target = map(Path, sys.argv[1:])
    batches = predicted(read(source), onnxruntime.InferenceSession(model))
    first = next(batches)
    write(RecordBatchReader.from_batches(first.schema, chain([first], batches)), target)
    print("done", flush=True)
