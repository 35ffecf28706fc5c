"""Parquet rows."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import arro3.core
from arro3.core import Array, RecordBatch
from arro3.io import read_ipc_stream, write_parquet

from triptych.errors import BadRequest, PayloadTooLarge
from triptych.tables import parquet_process
from triptych.tables.arrow import ARROW_PREFIX, arrow_failures, columns_of
from triptych.tables.table import Column, Table, check_names

_MAGIC = b"PAR1"
_COMPRESSION = "snappy"  # the fastest that every reader knows
_TIMEOUT = 20.0  # seconds; what the gateway waits for is 29
_OUT_OF_MEMORY = b"memory allocation of"  # how Rust says it


def decode_parquet(body: bytes, limit: int) -> Table:
    """Reads Parquet; cells keep their types.

    Args:
        body: The whole file.
        limit: Bytes that its cells may take in memory.

    Raises:
        BadRequest: It is not Parquet, or not readable here.
        PayloadTooLarge: Its cells take more than the limit.
    """
    if len(body) < 3 * len(_MAGIC) or not (body.startswith(_MAGIC) and body.endswith(_MAGIC)):
        raise BadRequest("the body is not a Parquet file: it must begin and end with PAR1")
    stream = _decoded(body, limit)
    with arrow_failures("the body is not readable as Parquet"):
        reader = read_ipc_stream(stream)
        names = reader.schema.names
        check_names(names)
        columns, rows = columns_of(reader)
    cells: list[Column] = [*columns] if rows else [[] for _ in names]
    return Table(dict(zip(names, cells, strict=True)), rows)


def encode_parquet(names: Sequence[str], columns: Sequence[Array]) -> bytes:
    """Writes Parquet.

    Raises:
        BadRequest: A column has a type that Parquet cannot hold.
    """
    file = io.BytesIO()
    with arrow_failures("the answer cannot be written as Parquet"):
        write_parquet(RecordBatch.from_arrays(columns, names=names), file, compression=_COMPRESSION)
    return file.getvalue()


def _decoded(body: bytes, limit: int) -> bytes:
    packages = Path(arro3.core.__file__).parents[2]
    command = [sys.executable, "-I", "-S", parquet_process.__file__, str(packages), str(limit)]
    try:
        done = subprocess.run(command, input=body, capture_output=True, check=False, timeout=_TIMEOUT)  # noqa: S603 - nothing of it is the caller's
    except subprocess.TimeoutExpired:
        raise PayloadTooLarge(f"the Parquet file takes more than {_TIMEOUT:.0f} s to decode") from None
    if done.returncode == parquet_process.TOO_LARGE or _OUT_OF_MEMORY in done.stderr:
        raise PayloadTooLarge(
            f"the Parquet file decodes to more than the {limit} bytes that one call takes; "
            "send less at once, or use the asynchronous or batch mode"
        )
    if done.returncode == parquet_process.REFUSED:
        reason = done.stderr.decode(errors="replace").rsplit("\n", 1)[-1]
        raise BadRequest(f"the body is not readable as Parquet: {reason.removeprefix(ARROW_PREFIX)[:300]}")
    if done.returncode:
        raise BadRequest("the body is not readable as Parquet")
    return done.stdout
