"""Running jobs: those that fit into memory in as few runs of a model as possible, large ones by file.

Whatever goes wrong with one job is an error of its own: the others go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby

from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded, PayloadTooLarge, TriptychError
from triptych.inference.adaptive_batching import AdaptiveBatcher, NotStarted, Outcome
from triptych.inference.request import Prepared
from triptych.inference.rows import prepare_rows
from triptych.inference.tensors import prepare_infer, raw_request
from triptych.jobs.attempts import Attempt, Input, Output, caught
from triptych.jobs.job import Job, JobRequest
from triptych.jobs.large import LargeRunner
from triptych.jobs.submission import is_rows
from triptych.jobs.telemetry import JobTelemetry
from triptych.models.model import Model
from triptych.models.store import ModelStore
from triptych.protocol.compression import decompress
from triptych.protocol.infer_request import parse_infer_request

type Outputs = dict[str, Output | TriptychError]
"""What came of jobs, by id: an output, or why there is none."""


class TooSlow(TriptychError):
    """The model does not answer in the time that a function has."""

    kind = "TooSlow"
    status = 504


class Runner:
    """Runs jobs."""

    def __init__(
        self, models: ModelStore, batcher: AdaptiveBatcher, telemetry: JobTelemetry, large: LargeRunner
    ) -> None:
        self._models = models
        self._batcher = batcher
        self._telemetry = telemetry
        self._large = large

    def run(
        self,
        attempts: Sequence[Attempt],
        inputs: Sequence[Input | TriptychError],
        deadline: Deadline,
        most_of_the_time: float,
    ) -> Iterator[Sequence[tuple[Attempt, Output | TriptychError]]]:
        """Runs jobs, those for the same model side by side and together where that gives the same.

        Inputs, or why there is none, are let go of before large jobs run. A job that has most of the time, in
        seconds, for itself and does not end is too slow.

        Yields:
            Jobs with their outputs: at first those that fit into memory, then one large job at a time. The
            file of its output is there until the next ones are asked for.
        """
        enough = len(attempts) == 1 and deadline.remaining >= most_of_the_time
        outputs = self._in_memory(zip(attempts, inputs, strict=True), deadline)
        del inputs
        fitting = [attempt for attempt in attempts if attempt.job.id in outputs]
        yield [(attempt, _judged(outputs[attempt.job.id], enough=enough)) for attempt in fitting]
        for attempt in attempts:
            if attempt.job.id not in outputs:
                enough = deadline.remaining >= most_of_the_time
                with self._large.output(attempt, deadline) as output:
                    yield [(attempt, _judged(output, enough=enough))]

    def _in_memory(
        self, attempts: Iterable[tuple[Attempt, Input | TriptychError]], deadline: Deadline
    ) -> Outputs:
        """Returns the outputs of jobs, but of those that memory is too small for."""
        outputs: Outputs = {}
        ready: list[tuple[Job, Input]] = []
        for attempt, found in attempts:
            if isinstance(found, TriptychError):
                outputs[attempt.job.id] = found
            elif found.body is not None:
                ready.append((attempt.job, found))
        for _, same in groupby(ready, key=lambda pair: (pair[0].model, pair[0].version)):
            outputs |= self._of_one_model(list(same), deadline)
        return {
            job_id: output for job_id, output in outputs.items() if not isinstance(output, PayloadTooLarge)
        }

    def _of_one_model(self, jobs: Sequence[tuple[Job, Input]], deadline: Deadline) -> Outputs:
        first, _ = jobs[0]
        model = caught(self._telemetry, lambda: self._models.get(first.model, first.version))
        if isinstance(model, TriptychError):
            return {job.id: model for job, _ in jobs}
        outputs: Outputs = {}
        prepared: dict[str, Prepared] = {}
        for job, found in jobs:
            made = caught(self._telemetry, partial(prepare, model, found.request, found.body or b""))
            if isinstance(made, TriptychError):
                outputs[job.id] = made
            else:
                prepared[job.id] = made
        raw = model.raw  # what names the model's own tensors goes past what stands in front of it
        for opened in [model] if raw is model else [model, raw]:
            same = {job_id: made for job_id, made in prepared.items() if made.model.session is opened.session}
            outputs |= self._ran(opened, same, deadline)
        return outputs

    def _ran(self, model: Model, prepared: dict[str, Prepared], deadline: Deadline) -> Outputs:
        batched = caught(
            self._telemetry, lambda: self._batcher.run_batched(model, list(prepared.values()), deadline)
        )
        if isinstance(batched, TriptychError):
            return dict.fromkeys(prepared, batched)
        for run in batched.runs:
            self._telemetry.model_ran(model.name, model.version, run.requests, run.nanoseconds / 1e6)
        return {
            job_id: self._answered(model, request, outcome)
            for (job_id, request), outcome in zip(prepared.items(), batched.outcomes, strict=True)
        }

    def _answered(self, model: Model, request: Prepared, outcome: Outcome) -> Output | TriptychError:
        if isinstance(outcome, TriptychError):
            return outcome
        answer = caught(self._telemetry, lambda: request.answer(outcome))
        return answer if isinstance(answer, TriptychError) else Output(*answer, version=model.version)


def prepare(model: Model, request: JobRequest, body: bytes) -> Prepared:
    """Decodes and checks the input of a job, compressed as it came, as the endpoints of real time do.

    Raises:
        TriptychError: It is not what the model takes, with the message of real time.
    """
    plain = decompress(body, request.content_encoding)
    if is_rows(request, plain):
        return prepare_rows(model, plain, request.row_options())
    length = request.header_length
    if length is not None and length > len(plain):
        raise BadRequest(f"the JSON header is said to have {length} bytes, but the input has {len(plain)}")
    message = raw_request(plain, model.signature) if length == 0 else parse_infer_request(plain, length)
    return prepare_infer(model, message)


def _judged(output: Output | TriptychError, *, enough: bool) -> Output | TriptychError:
    """Makes a lack of time final for a job that had most of an invocation for itself."""
    if not enough or not isinstance(output, DeadlineExceeded) or isinstance(output, NotStarted):
        return output
    return TooSlow(
        "the job takes longer than the function may run: make it smaller, "
        "or deploy with a longer JobTimeout or more JobMemorySize"
    )
