"""The parts of a file, in order and without a gap."""

from __future__ import annotations

from collections.abc import Sequence

from triptych.aws.stored import Bucket
from triptych.batches.file import Join, Part
from triptych.batches.store import BatchStore
from triptych.batches.wide_files import with_columns
from triptych.errors import BadRequest, ServiceUnavailable
from triptych.inference.piece import Counts


def chain_of(store: BatchStore, work: Bucket, batch_id: str, join: Join) -> list[Part]:
    """Follows the parts of a file from its first position to its last.

    Parts that a slower worker made beside the chain are passed over.

    Args:
        store: Keeps the records of parts.
        work: Bucket for work, which has long lists of columns.
        batch_id: Id of the batch.
        join: The file.

    Raises:
        BadRequest: Parts do not go together: the model gives other columns for some records.
        ServiceUnavailable: A part is not there yet.
    """
    by_start = {part.start: part for part in store.parts(batch_id, join.file.number)}
    chain: list[Part] = []
    position = join.start
    while not chain or position < join.end:
        part = by_start.get(position)
        if part is None:
            raise ServiceUnavailable(
                f"the part of the file that begins at {position} is not there; try again"
            )
        chain.append(part)
        position = part.end
    chain = with_columns(work, chain)
    _check_alike(chain)
    return chain


def counts_of(parts: Sequence[Part]) -> Counts:
    """Adds up the records of parts."""
    return sum((part.counts for part in parts), Counts())


def telling(parts: Sequence[Part]) -> Part:
    """Gives the part that tells the columns: one with rows, if there is any."""
    return max(parts, key=lambda part: part.counts.written > 0)


def _check_alike(parts: Sequence[Part]) -> None:
    known = telling(parts)
    for part in parts:
        if part.counts.written and (part.columns, part.layout) != (known.columns, known.layout):
            raise BadRequest(
                f"the model gives {len(known.columns)} columns for some records and {len(part.columns)} for "
                "others; leave the output out with the option outputs"
            )
