"""Parquet rows.

The process that decodes Parquet and Arrow, seen from outside.
"""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import IO, Literal, cast

import arro3.core
from arro3.core import Array, RecordBatch
from arro3.io import read_ipc_stream, write_parquet

from triptych.errors import BadRequest, PayloadTooLarge
from triptych.rows import parquet_process as table_process
from triptych.rows.arrow import ARROW_PREFIX, arrow_failures, columns_of, no_rows
from triptych.rows.table import Column, Table, check_names

COMPRESSION = "snappy"
"""The fastest that every reader knows."""

_MAGIC = b"PAR1"


def decode_parquet(body: bytes, limit: int) -> Table:
    """Reads Parquet; cells keep their types.

    Args:
        body: The whole file.
        limit: Bytes that its cells may take in memory.

    Raises:
        BadRequest: It is not Parquet, or not readable here.
        PayloadTooLarge: Its cells take more than the limit.
    """
    check_ends(body[: 3 * len(_MAGIC)], body[-len(_MAGIC) :])
    stream = decoded(body, limit)
    with arrow_failures("the body is not readable as Parquet"):
        reader = read_ipc_stream(stream)
        names = reader.schema.names
        check_names(names)
        return table_of(names, reader)


def check_ends(beginning: bytes, end: bytes) -> None:
    """Checks the first twelve bytes and the last four of a file.

    Raises:
        BadRequest: They are not those of Parquet.
    """
    if len(beginning) < 3 * len(_MAGIC) or not (beginning.startswith(_MAGIC) and end == _MAGIC):
        raise BadRequest("the body is not a Parquet file: it must begin and end with PAR1")


def table_of(names: Sequence[str], batches: Iterable[RecordBatch]) -> Table:
    """Makes one table of batches with these columns."""
    columns, rows = columns_of(batches)
    cells: list[Column] = [*columns] if rows else [[] for _ in names]
    return Table(dict(zip(names, cells, strict=True)), rows)


def encode_parquet(names: Sequence[str], columns: Sequence[Array]) -> bytes:
    """Writes Parquet.

    Raises:
        BadRequest: A column has a type that Parquet cannot hold.
    """
    file = io.BytesIO()
    with arrow_failures("the answer cannot be written as Parquet"):
        write_parquet(RecordBatch.from_arrays(columns, names=names), file, compression=COMPRESSION)
    return file.getvalue()


Kind = Literal["parquet", "arrow"]
"""What a file is: Parquet, or an Arrow file or stream."""

_TIMEOUT = 20.0  # seconds; what the gateway waits for is 29
_NAMES: dict[Kind, str] = {"parquet": "Parquet", "arrow": "Arrow"}
_OUT_OF_MEMORY = b"memory allocation of"  # how Rust says it


def decoded(body: bytes, limit: int) -> bytes:
    """Decodes a Parquet file in memory.

    Args:
        body: The whole file.
        limit: Bytes that its cells may take in memory.

    Returns:
        An Arrow IPC stream.

    Raises:
        BadRequest: It is not readable.
        PayloadTooLarge: Its cells take more than the limit, or decoding takes too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - nothing of it is the caller's
            _command("parquet", limit), input=body, capture_output=True, check=False, timeout=_TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise _too_slow("parquet", _TIMEOUT) from None
    _check("parquet", done.returncode, done.stderr, limit)
    return done.stdout


def decoded_batches(path: Path, limit: int, seconds: float, kind: Kind = "parquet") -> Generator[RecordBatch]:
    """Decodes a file, some thousand rows at a time: it is never in memory as a whole.

    The first batch has no rows.

    Args:
        path: The file.
        limit: Bytes that the cells of one batch may take in memory.
        seconds: Time that it may take, reading what comes included.
        kind: What it is.

    Raises:
        BadRequest: It is not readable.
        PayloadTooLarge: A batch takes more than the limit, or all of them too long.
    """
    with (
        TemporaryFile() as complaints,
        subprocess.Popen(_command(kind, limit, path), stdout=subprocess.PIPE, stderr=complaints) as process,  # noqa: S603 - nothing of it is the caller's
    ):
        timer = Timer(seconds, process.kill)
        timer.start()
        try:
            with arrow_failures(_unreadable(kind)):
                reader = read_ipc_stream(cast("IO[bytes]", process.stdout))
                yield no_rows(reader.schema)
                yield from reader
        except BadRequest:
            _ended(process, kind, complaints, limit, seconds)
            raise
        else:
            _ended(process, kind, complaints, limit, seconds)
        finally:
            timer.cancel()
            process.kill()


def _command(kind: Kind, limit: int, *files: Path) -> list[str]:
    packages = Path(arro3.core.__file__).parents[2]
    script = [sys.executable, "-I", "-S", table_process.__file__]
    return [*script, str(packages), kind, str(limit), *map(str, files)]


def _ended(
    process: subprocess.Popen[bytes], kind: Kind, complaints: IO[bytes], limit: int, seconds: float
) -> None:
    """Finds out why there are no more batches; only a whole stream ends with status 0."""
    status = process.wait(_TIMEOUT)
    if status == -signal.SIGKILL:
        raise _too_slow(kind, seconds)
    complaints.seek(0)
    _check(kind, status, complaints.read(), limit)


def _check(kind: Kind, status: int, complaints: bytes, limit: int) -> None:
    if status == table_process.TOO_LARGE or _OUT_OF_MEMORY in complaints:
        raise PayloadTooLarge(
            f"the {_NAMES[kind]} file decodes to more than the {limit} bytes that are taken at once; "
            "send less"
        )
    if status == table_process.REFUSED:
        reason = complaints.decode(errors="replace").rsplit("\n", 1)[-1]
        raise BadRequest(f"{_unreadable(kind)}: {reason.removeprefix(ARROW_PREFIX)[:300]}")
    if status:
        raise BadRequest(_unreadable(kind))


def _too_slow(kind: Kind, seconds: float) -> PayloadTooLarge:
    return PayloadTooLarge(f"the {_NAMES[kind]} file takes more than {seconds:.0f} s to decode")


def _unreadable(kind: Kind) -> str:
    return f"the body is not readable as {_NAMES[kind]}"
