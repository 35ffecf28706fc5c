"""A process that runs one job on a file of any size in little memory, and tells how much it took."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from threading import Thread

import numpy as np
from triptych.clock import Deadline
from triptych.inference.file import transform_rows
from triptych.inference.local_file import LocalFile
from triptych.inference.slices import Budget
from triptych.inference.tensor_file import transform_tensors
from triptych.models.memory import RESERVE, anonymous_memory, bound_memory
from triptych.protocol.tensors import Array
from triptych.rows.options import RowOptions, row_options

from tests.support.local_files import tiny

MIB = 2**20
BOUND = 160 * MIB
"""Bytes of memory of its own that the process may have."""

TYPES = {"csv": "text/csv", "lines": "application/jsonlines", "parquet": "application/x-parquet"}
NAMES = [f"x_{index}" for index in range(4)]


def write(path: Path, kind: str, size: int) -> RowOptions | int:
    """Writes rows of four numbers; returns how to read them: for tensors the length of the header."""
    block = np.random.default_rng(0).random((MIB // 16, 4), dtype="<f4")
    if kind == "tensors":
        return _tensors(path, block, size)
    if kind == "parquet":
        _parquet(path, block, size)
    else:
        text = _csv(block) if kind == "csv" else _lines(block)
        with path.open("wb") as file:
            file.write((",".join(NAMES) + "\n").encode() if kind == "csv" else b"")
            for _ in range(size // len(text) + 1):
                file.write(text)
    return row_options(TYPES[kind])


def _tensors(path: Path, block: Array, size: int) -> int:
    rows = size // MIB * len(block)
    described = {"name": "x", "datatype": "FP32", "shape": [rows, 4]}
    message = {
        "inputs": [{**described, "parameters": {"binary_data_size": rows * 16}}],
        "parameters": {"binary_data_output": True},
    }
    header = json.dumps(message).encode()
    with path.open("wb") as file:
        file.write(header)
        for _ in range(size // MIB):
            file.write(block.tobytes())
    return len(header)


def _csv(block: Array) -> bytes:
    return "".join(",".join(map(str, row)) + "\n" for row in block.tolist()).encode()


def _lines(block: Array) -> bytes:
    return "".join(json.dumps({"x": row, "id": None}) + "\n" for row in block.tolist()).encode()


def _parquet(path: Path, block: Array, size: int) -> None:
    from arro3.core import Array as Column  # noqa: PLC0415 - tensors do without
    from arro3.core import RecordBatch, RecordBatchReader  # noqa: PLC0415
    from arro3.io import write_parquet  # noqa: PLC0415

    columns = [Column.from_numpy(np.ascontiguousarray(block[:, index])) for index in range(4)]
    batch = RecordBatch.from_arrays(columns, names=NAMES)
    batches = RecordBatchReader.from_batches(batch.schema, (batch for _ in range(size // MIB)))
    write_parquet(batches, path, dictionary_enabled=False, max_row_group_size=len(block))


def main(directory: Path, kind: str, size: int) -> dict[str, int]:
    """Runs a job; gives the bytes of its source, and the most that it had in memory of its own."""
    source, target = directory / kind, directory / "target"
    written = write(source, kind, size)
    model = tiny((directory / "identity.onnx").read_bytes(), directory)
    bound_memory(BOUND + RESERVE)
    most = [anonymous_memory()]

    def look() -> None:
        while True:
            most[0] = max(most[0], anonymous_memory())
            time.sleep(0.005)

    Thread(target=look, daemon=True).start()
    file, budget = LocalFile(source, None, directory), Budget(Deadline.after(300), lambda: None)
    if isinstance(written, int):
        transform_tensors(model, file, written, target, budget)
    else:
        transform_rows(model, file, written, target, budget)
    return {"source": source.stat().st_size, "peak": most[0]}


if __name__ == "__main__":
    result = main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) * MIB)
    sys.stdout.write(json.dumps(result))
