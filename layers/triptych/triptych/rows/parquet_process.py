"""Decodes Parquet and Arrow in a process of its own: a file in, an Arrow IPC stream to stdout.

The decoder aborts its process on some malformed files, and a small file can unfold to any size. This process
keeps both away from the function: it may abort, and its memory is limited.

Runs as a script with three or four arguments: the directory that holds arro3, what the file is, the bytes
that the cells may take, and the file where it does not come through stdin. It imports nothing of Triptych: it
starts fast.
"""

from __future__ import annotations

import io
import resource
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from arro3.core import RecordBatch, RecordBatchReader

REFUSED = 3
"""Exit status for a file that cannot be read; stderr ends with a line that says why."""
TOO_LARGE = 4
"""Exit status for a file whose cells take more than the limit."""

_ARROW_FILE, _ARROW_STREAM = b"ARROW1", b"\xff\xff\xff\xff"

_ROW = 8  # bytes that a row counts at least; columns of nothing but missing cells take none
_BATCH = 8_192  # rows; a dictionary's text is repeated in each of them before it can be counted
_OVERHEAD = 2**28  # bytes of address space for the interpreter, its libraries and a batch that is too large


def main(packages: str, kind: str, limit: int, source: BinaryIO | str, target: BinaryIO) -> int:
    """Decodes one file.

    Args:
        packages: Directory that holds arro3.
        kind: `parquet`, or `arrow` for a file or a stream of it.
        limit: Bytes that the cells may take: all of them, or, where the file is named, those of one batch.
        source: The file, or its name: then its cells are never in memory at once.
        target: Receives the Arrow IPC stream; what was written before a failure is to be ignored.

    Returns:
        Exit status.
    """
    body = source if isinstance(source, str) else source.read()
    space = _OVERHEAD + limit + (0 if isinstance(body, str) else len(body))
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    sys.path.append(packages)
    from arro3.core import RecordBatchReader  # noqa: PLC0415 - the argument tells where it is
    from arro3.io import read_parquet, write_ipc_stream  # noqa: PLC0415

    reader = read_parquet(body, batch_size=_BATCH) if kind == "parquet" else _arrow(body)
    batches = _Counted(reader, limit, whole=not isinstance(body, str))
    try:
        write_ipc_stream(RecordBatchReader.from_batches(reader.schema, batches), target)
    except Exception:
        if batches.too_large:
            return TOO_LARGE
        raise
    return 0


def _arrow(body: bytes | str) -> RecordBatchReader:
    from arro3.core import RecordBatchReader  # noqa: PLC0415
    from arro3.io import read_ipc, read_ipc_stream  # noqa: PLC0415

    with open(body, "rb") if isinstance(body, str) else io.BytesIO(body) as file:  # noqa: PTH123 - starts fast
        beginning = file.read(len(_ARROW_FILE))
    is_file = beginning == _ARROW_FILE
    if not is_file and not beginning.startswith(_ARROW_STREAM):
        raise ValueError("it begins neither as a file nor as a stream of Arrow")
    source = body if isinstance(body, str) else io.BytesIO(body)
    reader = read_ipc(source) if is_file else read_ipc_stream(source)
    return RecordBatchReader.from_batches(reader.schema, _small(reader))


def _small(batches: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
    """Cuts batches, which may be as large as the file."""
    for batch in batches:
        for start in range(0, batch.num_rows, _BATCH):
            yield batch.slice(start, min(_BATCH, batch.num_rows - start))


class _Counted:
    """Batches, until they take more than the limit."""

    def __init__(self, batches: Iterable[RecordBatch], limit: int, *, whole: bool) -> None:
        self.too_large = False
        self._batches = batches
        self._limit = limit
        self._whole = whole

    def __iter__(self) -> Iterator[RecordBatch]:
        size = 0
        for batch in self._batches:
            size = (size if self._whole else 0) + batch.nbytes + _ROW * batch.num_rows
            self.too_large = size > self._limit
            if self.too_large:
                raise OverflowError
            yield batch


if __name__ == "__main__":
    _, packages, kind, limit, *names = sys.argv
    try:
        status = main(packages, kind, int(limit), names[0] if names else sys.stdin.buffer, sys.stdout.buffer)
    except Exception as error:  # noqa: BLE001 - arro3 raises plain exceptions; the parent tells the caller
        sys.stderr.write("\n" + " ".join(str(error).split()))
        status = REFUSED
    sys.exit(status)
