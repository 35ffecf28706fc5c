"""The least there is to do: arro3 reads, ONNX Runtime runs, arro3 writes; nothing is checked."""

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import onnxruntime
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import read_csv, read_json, read_parquet, write_csv, write_ndjson, write_parquet

COLUMNS = 20
ROWS = 8192


def read(source: Path) -> RecordBatchReader:
    """Reads a file of CSV, JSON Lines or Parquet."""
    columns = [Field(f"x_{number}", DataType.float32()) for number in range(COLUMNS)]
    schema = Schema([Field("id", DataType.int64()), *columns])
    if source.suffix == ".csv":
        return read_csv(str(source), schema, has_header=True, batch_size=ROWS)
    if source.suffix == ".jsonl":
        return read_json(str(source), schema, batch_size=ROWS)
    return read_parquet(str(source), batch_size=ROWS)


def predicted(batches: RecordBatchReader, session: onnxruntime.InferenceSession) -> Iterator[RecordBatch]:
    """Predicts batch by batch."""
    for batch in batches:
        rows = np.empty((batch.num_rows, COLUMNS), np.float32)
        for number in range(COLUMNS):
            rows[:, number] = batch.columns[number + 1].to_numpy()
        (found,) = session.run(None, {"x": rows})
        values = Array.from_numpy(np.ascontiguousarray(found[:, 0]))
        yield RecordBatch.from_arrays([batch.columns[0], values], names=["id", "y"])


if __name__ == "__main__":
    source, model, target = map(Path, sys.argv[1:])
    batches = predicted(read(source), onnxruntime.InferenceSession(model))
    first = next(batches)
    made = RecordBatchReader.from_batches(first.schema, chain([first], batches))
    if source.suffix == ".csv":
        write_csv(made, target)
    elif source.suffix == ".jsonl":
        write_ndjson(made, target)
    else:
        write_parquet(made, target, compression="snappy")
    print("done", flush=True)
