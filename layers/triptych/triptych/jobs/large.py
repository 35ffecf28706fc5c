"""Running jobs that memory is too small for: from file to file, slice by slice."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from triptych.clock import Deadline
from triptych.errors import TriptychError
from triptych.inference.adaptive_batching import NotStarted
from triptych.inference.file import transform_rows
from triptych.inference.local_file import FileAnswer, LocalFile
from triptych.inference.slices import Budget
from triptych.inference.tensor_file import transform_tensors
from triptych.jobs.attempts import Attempt, Output, caught, input_of, still_running
from triptych.jobs.job import JobRequest
from triptych.jobs.store import JobStorage
from triptych.jobs.submission import is_rows
from triptych.jobs.telemetry import JobTelemetry
from triptych.lifecycle.finalize import at_most_every
from triptych.models.model import Model
from triptych.models.store import ModelStore
from triptych.protocol.media_types import media_type

_LEAST = 5.0
"""Seconds that must be left for a large job to begin."""

_UPLOAD = 30.0
"""Seconds kept for writing the result to S3, at most: a gigabyte takes about ten."""

_LOOK = 1.0
"""Seconds between two looks at whether a job that is running was cancelled."""

_AS_JSON = "as JSON; send tensors in binary, or rows as CSV, JSON Lines or Parquet"


class LargeRunner:
    """Runs jobs whose inputs are large, or become so, or whose results do.

    Files are written to the directory, which must have room for twice an input and its result.
    """

    def __init__(
        self, storage: JobStorage, models: ModelStore, telemetry: JobTelemetry, directory: Path
    ) -> None:
        self._jobs = storage.jobs
        self._inputs = storage.inputs
        self._models = models
        self._telemetry = telemetry
        self._directory = directory

    @contextmanager
    def output(self, attempt: Attempt, deadline: Deadline) -> Generator[Output | TriptychError]:
        """Runs a job; the file of its output is there as long as the context is."""
        if deadline.remaining < _LEAST:
            yield NotStarted("the time was over before the job was run")
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self._directory) as directory:
            yield caught(self._telemetry, lambda: self._run(attempt, Path(directory), deadline))

    def _run(self, attempt: Attempt, directory: Path, deadline: Deadline) -> Output:
        job = attempt.job
        deadline = Deadline(deadline.at - min(_UPLOAD, deadline.remaining / 10))
        found = input_of(attempt, self._inputs)
        model = self._models.get(job.model, job.version)
        target = directory / "result"
        source = LocalFile(directory / "input", found.request.content_encoding, directory)
        if found.stored is None or found.body is not None:
            source.path.write_bytes(found.body or b"")
        else:
            self._inputs.download(found.stored, source.path)
        deadline.check("downloading the input")
        checkpoint = at_most_every(_LOOK, lambda: still_running(self._jobs.existing(job.id), job))
        started = monotonic()
        answer = _answer(model, found.request, source, target, Budget(deadline, checkpoint))
        self._telemetry.model_ran(model.name, model.version, 1, (monotonic() - started) * 1000)
        return Output(target, answer.content_type, answer.header_length, answer.filled, model.version)


def _answer(model: Model, request: JobRequest, source: LocalFile, target: Path, budget: Budget) -> FileAnswer:
    json = media_type(request.content_type or "").name == "application/json"
    text = source.content(_AS_JSON) if json else b""  # whether JSON is tensors or rows, only its text shows
    if is_rows(request, text):
        return transform_rows(model, source, request.row_options(), target, budget)
    return transform_tensors(model, source, request.header_length, target, budget)
