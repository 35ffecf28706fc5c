"""Which files a batch is for.

The plan of a batch: which files it has, and the chunks that they are cut into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from triptych.aws.objects import StoredObject, ahead
from triptych.batches.batch import Batch, BatchSource
from triptych.batches.cancelling import Cancelled, checkpoint
from triptych.batches.cut import plan_chunks
from triptych.batches.file import Chunk, InputFile, Join, Part, chunk_of, message, without_long_head
from triptych.batches.finish import Finisher, generation
from triptych.batches.keys import (
    chunks_key,
    files_key,
    is_folder,
    joins_key,
    manifest_key,
    plan_key,
)
from triptych.batches.opening import Models, input_file
from triptych.batches.places import Places
from triptych.batches.staging import Staging
from triptych.batches.store import BatchStore
from triptych.batches.submission import all_keys
from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded, NotFound, TriptychError
from triptych.inference.slices import Budget
from triptych.lifecycle.plain import plain
from triptych.protocol.json_document import dump

_AT_ONCE = 16
"""Files that are looked at at once."""


class Selection:
    """Finds the files of batches.

    Args:
        places: Where batches read and write.
    """

    def __init__(self, places: Places) -> None:
        self._places = places

    def __call__(self, source: BatchSource) -> Iterator[StoredObject | str]:
        """Finds files in the order of the list, or of their keys.

        Yields:
            Each file; the key alone of one that was listed by the caller and is not there.

        Raises:
            BadRequest: The list of keys has been deleted.
            ServiceUnavailable: A bucket cannot be reached.
        """
        return (found for found in self.looks(source) if found is not None)

    def looks(self, source: BatchSource) -> Iterator[StoredObject | str | None]:
        """Looks at one file after the other, so that the caller can stop when there is no time left.

        Yields:
            As when called; None for a file that is left out: it is not new, or was removed meanwhile.

        Raises:
            BadRequest: The list of keys has been deleted.
            ServiceUnavailable: A bucket cannot be reached.
        """
        inputs = self._places.inputs
        if source.prefix is None:
            yield from ahead(
                lambda key: inputs.find(key) or key, all_keys(self._places.work, source), _AT_ONCE
            )
            return
        look: Callable[[str], StoredObject | None] = self._new if source.only_new else inputs.find
        yield from ahead(look, self._listed(source.prefix), _AT_ONCE)

    def _listed(self, prefix: str) -> Iterable[str]:
        return (listed.key for listed in self._places.inputs.list(prefix) if not is_folder(listed.key))

    def _new(self, key: str) -> StoredObject | None:
        """Gives a file unless its manifest says that it was transformed as it is, or cannot be."""
        found = self._places.inputs.find(key)
        if found is None:
            return None
        manifest = self._places.outputs.get(manifest_key(key))
        return found if manifest is None or not _is_of(orjson.loads(manifest), found) else None


def _is_of(manifest: dict[str, object], found: StoredObject) -> bool:
    described, error = manifest.get("input"), manifest.get("error")
    known = described if isinstance(described, dict) else {}
    may_pass = isinstance(error, dict) and error.get("retryable") is True
    return (known.get("version"), known.get("etag")) == (found.version, found.etag) and not may_pass


MAX_FILES = 10_000
"""Files of one batch: about what one function plans in its time."""


"""Files that are begun at once: each takes five short calls, for 10,000 files minutes one by one."""

_WHOLE = 2**62
"""Bytes of a chunk that takes any file."""


class Planned(NamedTuple):
    """How much there is to do.

    Attributes:
        files: How many files the batch has, those included that are wrong.
        chunks: How many chunks they have.
        left: How many of the chunks are of files that have not ended.
        joins: How many of those files have several chunks.
    """

    files: int
    chunks: int
    left: int
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
        self._select = Selection(places)
        self._store = store
        self._models = models
        self._finisher = finisher
        self._chunk_bytes = chunk_bytes

    def plan(self, batch: Batch, deadline: Deadline) -> Planned:
        """Finds the files of a batch, cuts them and writes down the chunks that are left to do.

        A plan is made once: whoever plans the batch again takes the files and chunks that were found first,
        and leaves out files that have ended. A file that is wrong ends here, and costs the others nothing.

        Args:
            batch: The batch.
            deadline: When this must have ended.

        Raises:
            BadRequest: There are too many files.
            DeadlineExceeded: There is too much to plan.
            Cancelled: The batch was cancelled.
            TriptychError: Something is out of order that may pass.
        """
        files = self._files(batch, deadline)
        self._begin(batch, files)
        plan = self._places.work.get(plan_key(batch.id))
        if plan is None:
            chunks = [
                chunk
                for number, found in enumerate(files)
                for chunk in without_long_head(
                    self._places.work,
                    batch.id,
                    self.chunks(batch, number, found, deadline, self._chunk_bytes),
                )
            ]
            self._keep(plan_key(batch.id), map(message, chunks))
        else:
            chunks = list(map(chunk_of, orjson.loads(plan)))
        known = {outcome.number for outcome in self._store.outcomes(batch.id)}
        left = [chunk for chunk in chunks if chunk.file.number not in known]
        joins = list(_joins(left))
        self._keep(chunks_key(batch.id), map(message, left))
        self._keep(joins_key(batch.id), map(message, joins))
        return Planned(len(files), len(chunks), len(left), len(joins))

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
            Cancelled: The batch was cancelled.
            TriptychError: Something is out of order that may pass.
        """
        try:
            if isinstance(found, str):
                raise NotFound(f"there is no file {found!r}")
            made = self._made(batch, number)
            file = input_file(batch, number, found, self._models, made.version if made else None)
            return self._cut(batch, file, found, deadline, _WHOLE if made else chunk_bytes)
        except TriptychError as error:
            if error.retryable or isinstance(error, Cancelled):
                raise
            self._finisher.refuse(batch, number, generation(found), error)
            return []

    def keep_files(self, batch: Batch, files: Sequence[StoredObject | str]) -> None:
        """Writes down which files a batch has: its plan takes these, whatever is uploaded after them.

        Raises:
            ServiceUnavailable: The bucket for work cannot be reached.
        """
        entries = (found if isinstance(found, str) else plain(found) for found in files)
        self._keep(files_key(batch.id), entries)

    def _cut(
        self, batch: Batch, file: InputFile, found: StoredObject, deadline: Deadline, chunk_bytes: int
    ) -> list[Chunk]:
        source = self._places.inputs.open(found)
        budget = Budget(deadline, checkpoint(self._store, batch.id))
        return plan_chunks(file, source, chunk_bytes, Staging(self._places.work, batch.id), budget)

    def _begin(self, batch: Batch, files: Sequence[StoredObject | str]) -> None:
        """Deletes what was made before under the keys of files that are left to do."""

        def begin(numbered: tuple[int, StoredObject | str]) -> None:
            number, found = numbered
            self._finisher.begin(batch, number, generation(found))

        for _ in ahead(begin, enumerate(files), _AT_ONCE):
            pass

    def _made(self, batch: Batch, number: int) -> Part | None:
        """Gives a part that the function of uploads made before it handed its file over."""
        begun = batch.attempts or batch.redrives  # most batches were not, and need not be asked for
        return next(iter(self._store.parts(batch.id, number)), None) if begun else None

    def _files(self, batch: Batch, deadline: Deadline) -> list[StoredObject | str]:
        """Gives the files that were found when the batch was planned first: each keeps its number."""
        kept = self._places.work.get(files_key(batch.id))
        if kept is not None:
            return [_found(entry) for entry in orjson.loads(kept)]
        files: list[StoredObject | str] = []
        for found in self._select.looks(batch.source):
            if deadline.remaining <= 0:
                raise DeadlineExceeded("there was no time left to find all files; make the prefix longer")
            if found is not None:
                files.append(found)
            if len(files) > MAX_FILES:
                raise BadRequest(f"there are more than {MAX_FILES} files; make the prefix longer")
        self.keep_files(batch, files)
        return files

    def _keep(self, key: str, entries: Iterable[object]) -> None:
        self._places.work.put(key, dump(list(entries)), "application/json")


def _found(entry: str | dict[str, Any]) -> StoredObject | str:
    if isinstance(entry, str):
        return entry
    known: dict[str, Any] = {"version": None, **entry}
    return StoredObject(**known)


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
