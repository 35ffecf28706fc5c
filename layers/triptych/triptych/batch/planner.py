"""The plan of a batch: which files it has, and the chunks that they are cut into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from triptych.batch.finisher import Finisher
from triptych.batch.opening import Models, input_file
from triptych.batch.places import Places
from triptych.batch.stopping import Stopped, checkpoint
from triptych.batches.batch import Batch
from triptych.batches.file import Chunk, InputFile, Join
from triptych.batches.keys import chunks_key, joins_key, staged_prefix
from triptych.batches.manifest import Generation
from triptych.batches.messages import message
from triptych.bulk.planning.plan import plan_chunks
from triptych.errors import BadRequest, NotFound, TriptychError
from triptych.interfaces.batch_store import BatchStore
from triptych.interfaces.deadline import Deadline
from triptych.interfaces.objects import StoredObject
from triptych.protocol.json_body import dump

MAX_FILES = 10_000
"""Files of one batch: about what one function plans in its time."""


class Planned(NamedTuple):
    """How much there is to do.

    Attributes:
        files: How many files the batch has, those included that are wrong.
        chunks: How many chunks they have.
        joins: How many of them have more than one.
    """

    files: int
    chunks: int
    joins: int


class Planner:
    """Plans batches.

    Args:
        places: Where batches read and write.
        store: Keeps the records.
        models: Gives models.
        finisher: Ends files that are wrong.
        chunk_bytes: How large chunks should be.
    """

    def __init__(
        self, places: Places, store: BatchStore, models: Models, finisher: Finisher, chunk_bytes: int
    ) -> None:
        self._places = places
        self._store = store
        self._models = models
        self._finisher = finisher
        self._chunk_bytes = chunk_bytes

    def plan(self, batch: Batch, deadline: Deadline) -> Planned:
        """Finds the files of a batch, cuts them and writes down the chunks.

        A file that is wrong ends here, and costs the others nothing.

        Args:
            batch: The batch.
            deadline: When this must have ended.

        Raises:
            BadRequest: There are too many files.
            Stopped: The batch was stopped.
            TriptychError: Something is out of order that may pass.
        """
        files = list(islice(self._found(batch), MAX_FILES + 1))
        if len(files) > MAX_FILES:
            raise BadRequest(f"there are more than {MAX_FILES} files; make the prefix longer")
        known = {outcome.number for outcome in self._store.outcomes(batch.id)}
        chunks: list[Chunk] = []
        for number, found in enumerate(files):
            if number not in known:
                chunks += self.chunks(batch, number, found, deadline, self._chunk_bytes)
        joins = list(_joins(chunks))
        self._write(chunks_key(batch.id), map(message, chunks))
        self._write(joins_key(batch.id), map(message, joins))
        return Planned(len(files), len(chunks), len(joins))

    def chunks(
        self, batch: Batch, number: int, found: StoredObject | str, deadline: Deadline, chunk_bytes: int
    ) -> list[Chunk]:
        """Cuts one file.

        Args:
            batch: Its batch.
            number: Which of its batch it is.
            found: The file, or the key of one that is not there.
            deadline: When this must have ended.
            chunk_bytes: How large chunks should be.

        Returns:
            Its chunks; none when it is wrong, which has been told then.

        Raises:
            Stopped: The batch was stopped.
            TriptychError: Something is out of order that may pass.
        """
        try:
            if isinstance(found, str):
                raise NotFound(f"there is no file {found!r}")
            file = input_file(batch, number, found, self._models)
            return self._cut(batch, file, found, deadline, chunk_bytes)
        except TriptychError as error:
            if error.retryable or isinstance(error, Stopped):
                raise
            self._finisher.refuse(batch, number, _generation(found), error)
            return []

    def _cut(
        self, batch: Batch, file: InputFile, found: StoredObject, deadline: Deadline, chunk_bytes: int
    ) -> list[Chunk]:
        source = self._places.inputs.open(found)
        prefix = f"{staged_prefix(batch.id)}{file.number:05d}/"
        check: Callable[[], None] = checkpoint(self._store, batch.id)
        return plan_chunks(file, source, chunk_bytes, self._places.work, prefix, deadline, check)

    def _found(self, batch: Batch) -> Iterator[StoredObject | str]:
        if batch.source.prefix is None:
            for key in batch.source.keys:
                yield self._places.inputs.find(key) or key
            return
        for listed in self._places.inputs.list(batch.source.prefix):
            if not listed.key.endswith("/"):  # how consoles show folders
                yield self._places.inputs.find(listed.key) or listed.key

    def _write(self, key: str, entries: Iterable[object]) -> None:
        writer = self._places.work.create(key, "application/json")
        try:
            between = b"["
            for entry in entries:
                writer.write(between + dump(entry))
                between = b","
            writer.write(b"]" if between == b"," else b"[]")
            writer.close()
        except BaseException:
            writer.abort()
            raise


def _generation(found: StoredObject | str) -> Generation:
    if isinstance(found, str):
        return Generation(found)
    return Generation(found.key, found.size, found.etag, found.version)


def _joins(chunks: Iterable[Chunk]) -> Iterator[Join]:
    """Gives the files of several chunks, which follow each other."""
    join: Join | None = None
    for chunk in chunks:
        if chunk.only:
            continue
        if join is not None and join.file == chunk.file:
            join = join._replace(end=chunk.end)
            continue
        if join is not None:
            yield join
        join = Join(chunk.file, chunk.start, chunk.end)
    if join is not None:
        yield join
