"""Inference from a file to a file, whatever the size.

```
source ─┬─ tensors ── slices of rows ──────────────> outputs ── header + outputs ─┬─> target
        └─ rows ── chunks of text ── slices of rows ──> columns ── text ──────────┘
```
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter_ns
from typing import NamedTuple

from triptych.clock import Deadline
from triptych.errors import PayloadTooLarge
from triptych.inference.slices import Sizes, Slices
from triptych.models.model import Model
from triptych.models.statistics import Timings
from triptych.rows.options import JobRequest
from triptych.spooled.source import Source, mapped
from triptych.spooled.tensors import transform_tensors

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
DEFAULT_SIZES = Sizes()


class TransformAnswer(NamedTuple):
    """An answer that is in a file.

    Attributes:
        content_type: What it is.
        header_length: Bytes of the JSON before raw tensors; None when there are none.
        filled: How many missing cells of the rows took the value for missing cells.
        rows: How many rows were predicted for.
        timings: Where the time went; reading and writing take turns, and count as input.
    """

    content_type: str
    header_length: int | None
    filled: int
    rows: int
    timings: Timings


def transform(  # noqa: PLR0913, PLR0917 - each is one thing that the caller has
    model: Model,
    source: Path,
    request: JobRequest,
    target: Path,
    deadline: Deadline,
    checkpoint: Callable[[], None],
    *,
    sizes: Sizes = DEFAULT_SIZES,
) -> TransformAnswer:
    """Answers a request that lies in a file.

    Memory does not grow with the file where its rows can be run by themselves. Beside the source and the
    answer, the directory of the target takes a decompressed copy of tensors and Parquet that come compressed,
    and once more the outputs of tensors that are strings or JSON.

    Args:
        model: What answers it.
        source: The file.
        request: How it is to be read and answered.
        target: Takes the answer; it is whole only when this returns.
        deadline: When the answer must be there.
        checkpoint: Is called again and again, and may raise what shall end this.
        sizes: How much is done at once.

    Raises:
        TriptychError: As `infer` and `predict_rows`; also where the disk is full.
    """
    started = perf_counter_ns()
    slices = Slices(model, deadline, checkpoint, model.config.group is True, sizes)
    plain = Source(source, request.content_encoding, target.parent)
    with _room_on_disk():
        if request.content_type is None or request.header_length is not None:
            with plain.plain_file() as path, mapped(path) as content:
                written = transform_tensors(model, content, request.header_length, target, slices)
            answer = (written.content_type, written.header_length, 0, written.rows)
        else:
            answer = _rows(model, plain, request, target, slices)
    elapsed = perf_counter_ns() - started
    return TransformAnswer(*answer, Timings(elapsed - slices.nanoseconds, slices.nanoseconds, 0))


def _rows(
    model: Model, source: Source, request: JobRequest, target: Path, slices: Slices
) -> tuple[str, None, int, int]:
    # Arrow is read from disk only where rows are.
    from triptych.spooled.rows import transform_rows  # noqa: PLC0415

    written = transform_rows(model, source, request.row_options(), target, slices)
    return written.content_type, None, written.filled, written.rows


@contextmanager
def _room_on_disk() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise PayloadTooLarge(
            "the job needs more room on the function's disk than there is: about the size of the input, "
            "decompressed, and of the answer together; send less at once, or ask for fewer outputs"
        ) from error
