"""Files of tables: Parquet and Arrow.

```
body or file ── parquet_process ── Arrow IPC stream ──> batches ──> Table
columns ── batches of one schema ──> file
```

Decoding happens in a process of its own, `parquet_process`, which may end as it likes.
"""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import IO, BinaryIO, Literal, cast

import arro3.core
from arro3.core import RecordBatch, RecordBatchReader, Schema
from arro3.io import read_ipc_stream, write_ipc, write_parquet

from triptych.errors import BadRequest, PayloadTooLarge
from triptych.rows import parquet_process
from triptych.rows.arrow import ARROW_PREFIX, arrow_failures, columns_of, no_rows
from triptych.rows.formats import Format
from triptych.rows.outputs import parquet_column
from triptych.rows.parquet_footer import MAGIC
from triptych.rows.table import AnswerColumn, Column, Table, check_names

_COMPRESSION = "snappy"  # the fastest that every reader knows


def decode_parquet(body: bytes, limit: int) -> Table:
    """Reads Parquet whose cells take at most `limit` bytes in memory; they keep their types.

    Raises:
        BadRequest: It is not Parquet, or not readable here.
        PayloadTooLarge: Its cells take more than the limit.
    """
    check_ends(body[: 3 * len(MAGIC)], body[-len(MAGIC) :])
    stream = _decoded(body, limit)
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
    if len(beginning) < 3 * len(MAGIC) or not (beginning.startswith(MAGIC) and end == MAGIC):
        raise BadRequest("the body is not a Parquet file: it must begin and end with PAR1")


def table_of(names: Sequence[str], batches: Iterable[RecordBatch]) -> Table:
    """Makes one table of batches with these columns."""
    columns, rows = columns_of(batches)
    cells: list[Column] = [*columns] if rows else [[] for _ in names]
    return Table(dict(zip(names, cells, strict=True)), rows)


def encode_parquet(columns: Mapping[str, AnswerColumn]) -> bytes:
    """Writes Parquet.

    Raises:
        BadRequest: A column has a type that Parquet cannot hold.
    """
    file = io.BytesIO()
    arrays = [parquet_column(column) for column in columns.values()]
    with arrow_failures("the answer cannot be written as Parquet"):
        write_parquet(RecordBatch.from_arrays(arrays, names=list(columns)), file, compression=_COMPRESSION)
    return file.getvalue()


TableFormat = Literal[Format.PARQUET, Format.ARROW]
"""What a file of a table is; Arrow may be a file or a stream."""

_TIMEOUT = 20.0  # seconds; what the gateway waits for is 29
_OUT_OF_MEMORY = b"memory allocation of"  # how Rust says it


def _decoded(body: bytes, limit: int) -> bytes:
    """Decodes a Parquet file in memory to an Arrow IPC stream."""
    try:
        done = subprocess.run(  # noqa: S603 - nothing of it is the caller's
            _command(Format.PARQUET, limit),
            input=body,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise _too_slow(Format.PARQUET, _TIMEOUT) from None
    _check(Format.PARQUET, done.returncode, done.stderr, limit)
    return done.stdout


def decoded_batches(
    path: Path, limit: int, seconds: float, kind: TableFormat = Format.PARQUET
) -> Generator[RecordBatch]:
    """Decodes a file, some thousand rows at a time: it is never in memory as a whole.

    The limit is the bytes that the cells of one batch may take; the seconds include what the caller does
    between two batches.

    Yields:
        Batches; the first has no rows.

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
            _check_end(process, kind, complaints, limit, seconds)
            raise
        else:
            _check_end(process, kind, complaints, limit, seconds)
        finally:
            timer.cancel()
            process.kill()


def _command(kind: TableFormat, limit: int, *files: Path) -> list[str]:
    packages = Path(arro3.core.__file__).parents[2]
    script = [sys.executable, "-I", "-S", parquet_process.__file__]
    return [*script, str(packages), kind.value, str(limit), *map(str, files)]


def _check_end(
    process: subprocess.Popen[bytes], kind: TableFormat, complaints: IO[bytes], limit: int, seconds: float
) -> None:
    """Finds out why there are no more batches; only a whole stream ends with status 0."""
    status = process.wait(_TIMEOUT)
    if status == -signal.SIGKILL:
        raise _too_slow(kind, seconds)
    complaints.seek(0)
    _check(kind, status, complaints.read(), limit)


def _check(kind: TableFormat, status: int, complaints: bytes, limit: int) -> None:
    if status == parquet_process.TOO_LARGE or _OUT_OF_MEMORY in complaints:
        raise PayloadTooLarge(
            f"the {kind.title()} file decodes to more than the {limit} bytes that are taken at once; "
            "send less"
        )
    if status == parquet_process.REFUSED:
        reason = complaints.decode(errors="replace").rsplit("\n", 1)[-1]
        raise BadRequest(f"{_unreadable(kind)}: {reason.removeprefix(ARROW_PREFIX)[:300]}")
    if status:
        raise BadRequest(_unreadable(kind))


def _too_slow(kind: TableFormat, seconds: float) -> PayloadTooLarge:
    return PayloadTooLarge(f"the {kind.title()} file takes more than {seconds:.0f} s to decode")


def _unreadable(kind: TableFormat) -> str:
    return f"the body is not readable as {kind.title()}"


Columns = Mapping[str, AnswerColumn]
"""Columns of equal length by name."""

Writer = Callable[[RecordBatchReader, BinaryIO, RecordBatch], None]
"""Writes all batches to a file; the last argument is the first of them."""

_ROW_GROUP = 32 * 2**20  # bytes of cells in a row group of Parquet, which is in memory until it is whole


def write_tables(parts: Iterable[Columns], file: BinaryIO, write: Writer) -> None:
    """Writes columns, in one part or more with the same names, to a file.

    Raises:
        BadRequest: A column has a type that the format cannot hold, or another one in a later part.
    """
    batches = _Batches(iter(parts))
    first = next(batches)
    reader = RecordBatchReader.from_batches(first.schema, chain([first], batches))
    try:
        with arrow_failures("the answer cannot be written"):
            write(reader, file, first)
    except BadRequest:
        if batches.failure is not None:
            raise batches.failure from None
        raise


def write_parquet_batches(reader: RecordBatchReader, file: BinaryIO, first: RecordBatch) -> None:
    """Writes Parquet, with row groups of a size that readers and this process can hold."""
    rows = max(1, _ROW_GROUP * first.num_rows // max(1, first.nbytes)) if first.num_rows else None
    write_parquet(reader, file, compression=_COMPRESSION, max_row_group_size=rows)


def write_arrow_batches(reader: RecordBatchReader, file: BinaryIO, _: RecordBatch) -> None:
    """Writes an Arrow IPC file; uncompressed, so that readers can map it."""
    write_ipc(reader, file, compression=None)


class _Batches:
    """Parts as Arrow's batches, all of one schema.

    `failure` is what ended them too early: through arro3, only its message would come.
    """

    def __init__(self, parts: Iterator[Columns]) -> None:
        self.failure: BaseException | None = None
        self._parts = parts
        self._schema: Schema | None = None

    def __iter__(self) -> Iterator[RecordBatch]:
        return self

    def __next__(self) -> RecordBatch:
        try:
            return self._batch(next(self._parts))
        except StopIteration:
            raise
        except BaseException as error:
            self.failure = error
            raise

    def _batch(self, columns: Columns) -> RecordBatch:
        arrays = [parquet_column(column) for column in columns.values()]
        batch = RecordBatch.from_arrays(arrays, names=list(columns))
        self._schema = self._schema or batch.schema
        for name, before, now in zip(columns, self._schema.types, batch.schema.types, strict=True):
            if before != now:
                raise BadRequest(f"column {name!r} of the answer is {before} for some rows, {now} for others")
        return batch
