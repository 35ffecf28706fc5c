"""Plain copies of files for which there was not enough time in one go."""

from __future__ import annotations

from triptych.aws.stored import StoredObject
from triptych.batches.batch import Batch
from triptych.batches.cancelling import checkpoint
from triptych.batches.chunking import staged_chunks
from triptych.batches.file import Chunk, InputFile
from triptych.batches.keys import staged_prefix
from triptych.batches.places import Places
from triptych.batches.store import BatchStore
from triptych.batches.wide_files import without_long_head
from triptych.clock import Deadline
from triptych.errors import PayloadTooLarge

_WHOLE = 2**62
_ENDING = 5.0  # seconds kept for telling that there was not enough time for a copy either


def plain_copy(places: Places, store: BatchStore, batch: Batch, file: InputFile, deadline: Deadline) -> Chunk:
    """Copies compressed text as plain text, which can be gone on with wherever time was up.

    Args:
        places: Where batches read and write.
        store: Keeps the records.
        batch: The batch.
        file: One of its files.
        deadline: When this must have ended.

    Returns:
        The whole file as a chunk, read from the copy.

    Raises:
        BadRequest: It is not what its compression says.
        PayloadTooLarge: It cannot be copied in time, or its format must be read in one go.
        Cancelled: The batch was cancelled.
        TriptychError: Something is out of order that may pass.
    """
    if not file.form.format.is_text:
        raise PayloadTooLarge(
            "there was not enough time for the file, whose format is read in one go; "
            "split it, or send it as CSV or JSON Lines"
        )
    check = checkpoint(store, batch.id)

    def tick() -> None:
        check()
        if deadline.remaining < _ENDING:
            raise PayloadTooLarge("there was not enough time to decompress the file; split it")

    source = places.inputs.open(StoredObject(file.key, file.size, file.etag, file.object_version, 0))
    prefix = f"{staged_prefix(batch.id)}{file.number:05d}/"
    copies = staged_chunks(file, source, _WHOLE, places.work, prefix, tick)
    (copy,) = without_long_head(places.work, batch.id, copies)
    return copy
