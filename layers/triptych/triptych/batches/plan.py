"""The plan of a batch: which files it has, and the chunks that they are cut into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from triptych.aws.objects import StoredObject, ahead
from triptych.batches.batch import Batch
from triptych.batches.cut import plan_chunks
from triptych.batches.file import Chunk, InputFile, Join, Part, decode, encode, without_long_head
from triptych.batches.find import Models, find_files, input_file
from triptych.batches.finish import Finisher
from triptych.batches.images import image_chunks, images_of
from triptych.batches.keys import work_list_key
from triptych.batches.manifest import Generation
from triptych.batches.staging import Staging
from triptych.batches.store import BatchStorage, Cancelled
from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded, NotFound, TriptychError
from triptych.inference.slices import Budget
from triptych.lifecycle.store import plain
from triptych.protocol.json_document import dump
from triptych.rows.formats import Format

MAX_FILES = 10_000
"""Files of one batch: about what one function plans in its time."""

WHOLE = 2**62
"""Bytes of a chunk that takes any file."""

_AT_ONCE = 16
"""Files that are begun at once: each takes five short calls, for 10,000 files minutes one by one."""


class Planned(NamedTuple):
    """How many files a batch has, wrong ones included, and chunks.

    Of the chunks, so many are left of files that have not ended; so many of these files have several chunks.
    """

    files: int
    chunks: int
    left: int
    joins: int


class Planner:
    """Plans batches."""

    def __init__(self, storage: BatchStorage, models: Models, finisher: Finisher, chunk_bytes: int) -> None:
        self._storage = storage
        self._batches = storage.batches
        self._work = storage.work
        self._models = models
        self._finisher = finisher
        self._chunk_bytes = chunk_bytes

    def plan(self, batch: Batch, deadline: Deadline) -> Planned:
        """Finds the files of a batch, cuts them, and lists the chunks that are left to do.

        A plan is made once: planning the batch again takes the files and chunks that were found first, and
        leaves out files that have an outcome. A file that is wrong ends here, and costs the others nothing.

        Raises:
            BadRequest: There are too many files.
            DeadlineExceeded: There is too much to plan.
            Cancelled: The batch was cancelled.
            TriptychError: Something is out of order that may pass.
        """
        files = self._files(batch, deadline)
        self._begin(batch, files)
        chunks = self._all_chunks(batch, files, deadline)
        ended = {outcome.number for outcome in self._batches.outcomes(batch.id)}
        left = [chunk for chunk in chunks if chunk.file.number not in ended]
        joins = list(_joins(left))
        self._put(work_list_key(batch.id, "chunks"), map(encode, left))
        self._put(work_list_key(batch.id, "joins"), map(encode, joins))
        return Planned(len(files), len(chunks), len(left), len(joins))

    def chunks(
        self, batch: Batch, number: int, found: StoredObject | str, deadline: Deadline, chunk_bytes: int
    ) -> list[Chunk]:
        """Cuts one file into chunks; into none when it is wrong: then it has its outcome."""
        try:
            if isinstance(found, str):
                raise NotFound(f"there is no file {found!r}")
            part = self._part_of_upload(batch, number)
            file = input_file(batch, number, found, self._models, part.version if part else None)
            return self._cut(batch, file, found, deadline, WHOLE if part else chunk_bytes)
        except TriptychError as error:
            if error.retryable or isinstance(error, Cancelled):
                raise
            self._finisher.refuse(batch, number, Generation.of(found), error)
            return []

    def keep_files(self, batch: Batch, files: Sequence[StoredObject | str]) -> None:
        """Stores which files a batch has: its plan takes these, whatever is uploaded after them."""
        entries = (found if isinstance(found, str) else plain(found) for found in files)
        self._put(work_list_key(batch.id, "files"), entries)

    def _all_chunks(
        self, batch: Batch, files: Sequence[StoredObject | str], deadline: Deadline
    ) -> list[Chunk]:
        """Returns the chunks of all files, those of the first plan where there was one."""
        plan = self._work.get(work_list_key(batch.id, "plan"))
        if plan is not None:
            return [decode(Chunk, entry) for entry in orjson.loads(plan)]
        chunks: list[Chunk] = []
        for number, found in enumerate(files):
            cut = self.chunks(batch, number, found, deadline, self._chunk_bytes)
            chunks += without_long_head(self._work, batch.id, cut)
        self._put(work_list_key(batch.id, "plan"), map(encode, chunks))
        return chunks

    def _cut(
        self, batch: Batch, file: InputFile, found: StoredObject, deadline: Deadline, chunk_bytes: int
    ) -> list[Chunk]:
        staging, checkpoint = Staging(self._work, batch.id), self._batches.checkpoint(batch.id)
        if file.form.format is Format.IMAGE:
            return image_chunks(
                file, images_of(self._storage, batch, found), chunk_bytes, staging, checkpoint
            )
        source = self._storage.inputs.open(found)
        return plan_chunks(file, source, chunk_bytes, staging, Budget(deadline, checkpoint))

    def _begin(self, batch: Batch, files: Sequence[StoredObject | str]) -> None:
        """Deletes what was made before under the keys of files that are left to do."""

        def begin(numbered: tuple[int, StoredObject | str]) -> None:
            number, found = numbered
            self._finisher.begin(batch, number, Generation.of(found))

        for _ in ahead(begin, enumerate(files), _AT_ONCE):
            pass

    def _part_of_upload(self, batch: Batch, number: int) -> Part | None:
        """Returns a part that the function of uploads made before it handed its file over."""
        begun = batch.attempts or batch.redrives  # most batches were not, and need not be asked for
        return next(iter(self._batches.parts(batch.id, number)), None) if begun else None

    def _files(self, batch: Batch, deadline: Deadline) -> list[StoredObject | str]:
        """Returns the files that were found when the batch was planned first: each keeps its number."""
        stored = self._work.get(work_list_key(batch.id, "files"))
        if stored is not None:
            return [_found(entry) for entry in orjson.loads(stored)]
        files: list[StoredObject | str] = []
        for found in find_files(self._storage, batch.source):
            if deadline.remaining <= 0:
                raise DeadlineExceeded("there was no time left to find all files; make the prefix longer")
            if found is not None:
                files.append(found)
            if len(files) > MAX_FILES:
                raise BadRequest(f"there are more than {MAX_FILES} files; make the prefix longer")
        self.keep_files(batch, files)
        return files

    def _put(self, key: str, entries: Iterable[object]) -> None:
        self._work.put(key, dump(list(entries)), "application/json")


def _found(entry: str | dict[str, Any]) -> StoredObject | str:
    if isinstance(entry, str):
        return entry
    known: dict[str, Any] = {"version": None, **entry}
    return StoredObject(**known)


def _joins(chunks: Iterable[Chunk]) -> Iterator[Join]:
    """Returns the files of several chunks, which follow each other."""
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
