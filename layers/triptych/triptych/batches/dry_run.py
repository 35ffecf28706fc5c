"""What a batch would do: its files, rows, chunks, time and cost, without doing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from triptych.aws.objects import StoredObject
from triptych.batches.batch import Batch, BatchSource
from triptych.batches.document import SHOWN
from triptych.batches.estimate import Work, estimate
from triptych.batches.find import Descriptions, find_files, input_file
from triptych.batches.images import count_of_images
from triptych.batches.lookup import LookupRate
from triptych.batches.sizing import Sizing, sized
from triptych.batches.store import BatchStorage
from triptych.batches.submission import MAX_KEYS, Submission
from triptych.clock import Deadline
from triptych.errors import BadRequest, NotFound, TriptychError
from triptych.lifecycle.store import plain

_FINDING, _SAMPLING = 0.5, 0.8
"""Shares of the time after which no further file is looked for, and no further one opened."""


class Workers(NamedTuple):
    """What transforms files.

    Attributes:
        memory: Megabytes of each worker.
    """

    chunk_bytes: int
    memory: int
    concurrency: int
    lookups: LookupRate


class DryRun:
    """Describes what batches would do."""

    def __init__(self, storage: BatchStorage, models: Descriptions, workers: Workers) -> None:
        self._storage = storage
        self._inputs = storage.inputs
        self._models = models
        self._workers = workers

    def describe(self, submission: Submission, deadline: Deadline) -> dict[str, Any]:
        """Describes in JSON what a batch would do; of many files, the first ones are opened.

        Where there is no time to find all files, it says how many keys were looked at, and describes these.

        Raises:
            BadRequest: It would have too many files.
            ServiceUnavailable: Files cannot be looked at now.
        """
        finding, sampling = (Deadline.after(share * deadline.remaining) for share in (_FINDING, _SAMPLING))
        found, looked_at = self._found(submission.source, finding)
        batch = submission.batch("", 0)
        shown = [self._shown(batch, file) for file in _until(sampling, found[:SHOWN])]
        known = _sum([counted for _, counted in shown if counted])
        rest = [self._guessed(file, known) for file in found[len(shown) :] if isinstance(file, StoredObject)]
        files = sum(counted is not None for _, counted in shown) + len(rest)
        return {
            "dry_run": True,
            **({} if looked_at is None else {"looked_at": looked_at}),
            **self._totals(files, _sum([known, *rest])),
            "listed": [described for described, counted in shown if counted],
            "refused": [described for described, counted in shown if counted is None],
        }

    def _found(self, source: BatchSource, deadline: Deadline) -> tuple[list[StoredObject | str], int | None]:
        """Finds files; returns also how many keys it looked at, unless these are all."""
        found: list[StoredObject | str] = []
        for looked_at, file in enumerate(find_files(self._storage, source), start=1):
            if file is not None:
                found.append(file)
            if len(found) > MAX_KEYS:
                raise BadRequest(f"there are more than {MAX_KEYS} files; make the prefix longer")
            if deadline.remaining <= 0:
                return found, looked_at
        return found, None

    def _totals(self, files: int, all_: Sizing) -> dict[str, Any]:
        workers = self._workers
        work = Work(
            all_.size, files, all_.chunks, workers.memory, all_.lookups, plain=all_.plain, images=all_.images
        )
        share = workers.lookups.of_chunk(all_.chunks)
        guess = estimate(work, concurrency=workers.concurrency, lookup_writes=share)
        return {
            "files": files,
            "bytes": all_.size,
            **all_.rows_described(),
            "chunks": all_.chunks,
            "estimated_seconds": round(guess.seconds, 1) if files else 0.0,
            "estimated_cost": guess.cost.described(),
        }

    def _shown(self, batch: Batch, found: StoredObject | str) -> tuple[dict[str, Any], Sizing | None]:
        key = found if isinstance(found, str) else found.key
        try:
            return self._looked_at(batch, key, found)
        except TriptychError as error:
            if error.retryable:
                raise
            return {"key": key, "error": {"type": error.kind, "message": str(error)}}, None

    def _looked_at(self, batch: Batch, key: str, listed: StoredObject | str) -> tuple[dict[str, Any], Sizing]:
        images = None if isinstance(listed, str) else self._of_images(listed)
        found = self._inputs.find(key) if isinstance(listed, str) or images is None else listed
        if found is None:
            raise NotFound(f"there is no file {key!r}")
        file = input_file(batch, 0, found, self._models)
        sizing = images or sized(file, self._inputs.open(found), self._workers.chunk_bytes)
        if file.options.lookup:
            sizing = sizing._replace(lookups=sizing.rows or 0)
        described = {
            "key": key,
            "bytes": found.size,
            **sizing.rows_described(),
            "chunks": sizing.chunks,
            "model": file.model,
            "version": str(file.version),
            "options": plain(file.options),
        }
        return described, sizing

    def _guessed(self, found: StoredObject, known: Sizing) -> Sizing:
        """Expects of a file what was found in those that were looked at."""
        if images := self._of_images(found):
            return images
        if not known.size:
            return Sizing(found.size, found.size, self._chunks(found.size), None, exact=False)
        share = found.size / known.size
        plain = round(known.plain * share)
        large = plain if found.size > self._workers.chunk_bytes else found.size  # compressed, it is not cut
        return Sizing(
            size=found.size,
            plain=plain,
            chunks=self._chunks(large),
            rows=None if known.rows is None else round(known.rows * share),
            exact=False,
            lookups=round(known.lookups * share),
        )

    def _of_images(self, found: StoredObject) -> Sizing | None:
        """Returns what there is to do for the images under a prefix; None for other files."""
        count, size = count_of_images(found), found.size
        return Sizing(size, size, self._chunks(size), count, exact=True, images=count) if count else None

    def _chunks(self, size: int) -> int:
        return max(1, -(-size // self._workers.chunk_bytes))


def _until[F](deadline: Deadline, files: Iterable[F]) -> Iterator[F]:
    """Yields the first file, and those that there is time for."""
    for file in files:
        yield file
        if deadline.remaining <= 0:
            return


def _sum(counted: Sequence[Sizing]) -> Sizing:
    rows = [file.rows for file in counted if file.rows is not None]
    return Sizing(
        size=sum(file.size for file in counted),
        plain=sum(file.plain for file in counted),
        chunks=sum(file.chunks for file in counted),
        rows=sum(rows) if len(rows) == len(counted) else None,
        exact=all(file.exact for file in counted),
        lookups=sum(file.lookups for file in counted),
        images=sum(file.images for file in counted),
    )
