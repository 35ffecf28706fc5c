"""The least there is to do: arro3 reads, ONNX Runtime runs, arro3 writes; nothing is checked."""

import sys
from collections.abc import Iterator
from itertools import chain

import numpy as np
import onnxruntime
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import read_csv, write_csv

COLUMNS = 20
ROWS = 8192


def predicted(source: str, session: onnxruntime.InferenceSession) -> Iterator[RecordBatch]:
    """Reads a file and predicts batch by batch."""
    columns = [Field(f"x_{number}", DataType.float32()) for number in range(COLUMNS)]
    schema = Schema([Field("id", DataType.int64()), *columns])
    for batch in read_csv(source, schema, has_header=True, batch_size=ROWS):
        rows = np.empty((batch.num_rows, COLUMNS), np.float32)
        for number in range(COLUMNS):
            rows[:, number] = batch.columns[number + 1].to_numpy()
        (found,) = session.run(None, {"x": rows})
        values = Array.from_numpy(np.ascontiguousarray(found[:, 0]))
        yield RecordBatch.from_arrays([batch.columns[0], values], names=["id", "y"])


if __name__ == "__main__":
    _, source, model, target = sys.argv
    batches = predicted(source, onnxruntime.InferenceSession(model))
    first = next(batches)
    write_csv(RecordBatchReader.from_batches(first.schema, chain([first], batches)), target)
    print("done", flush=True)
