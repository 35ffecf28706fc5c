"""Decodes Parquet in a process of its own: Parquet from stdin, Arrow IPC to stdout.

The decoder aborts its process on some malformed files, and a small file can unfold to any size. Here neither
reaches the function: this process may end as it likes, and may take only so much memory.

Runs as a script with two arguments: the directory that holds arro3, and the bytes that the cells may take. It
imports nothing of Triptych, so that it starts fast.
"""

from __future__ import annotations

import resource
import sys
from typing import BinaryIO

REFUSED = 3
"""Exit status for a file that cannot be read; stderr ends with a line that says why."""
TOO_LARGE = 4
"""Exit status for a file whose cells take more than the limit."""

_ROW = 8  # bytes that a row counts at least; columns of nothing but missing cells take none
_BATCH = 8_192  # rows; a dictionary's text is repeated in each of them before it can be counted
_OVERHEAD = 2**28  # bytes of address space for the interpreter, its libraries and a batch that is too large


def main(packages: str, limit: int, source: BinaryIO, target: BinaryIO) -> int:
    """Decodes one file.

    Args:
        packages: Directory that holds arro3.
        limit: Bytes that the cells may take.
        source: The file.
        target: Takes the Arrow IPC stream.

    Returns:
        Exit status.
    """
    body = source.read()
    space = _OVERHEAD + len(body) + limit
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    sys.path.append(packages)
    from arro3.core import RecordBatchReader  # noqa: PLC0415 - the argument tells where it is
    from arro3.io import read_parquet, write_ipc_stream  # noqa: PLC0415

    size = 0
    batches = []
    reader = read_parquet(body, batch_size=_BATCH)
    for batch in reader:
        size += batch.nbytes + _ROW * batch.num_rows
        if size > limit:
            return TOO_LARGE
        batches.append(batch)
    write_ipc_stream(RecordBatchReader.from_batches(reader.schema, batches), target)
    return 0


if __name__ == "__main__":
    try:
        status = main(sys.argv[1], int(sys.argv[2]), sys.stdin.buffer, sys.stdout.buffer)
    except Exception as error:  # noqa: BLE001 - arro3 raises plain exceptions; the parent tells the caller
        sys.stderr.write("\n" + " ".join(str(error).split()))
        status = REFUSED
    sys.exit(status)
