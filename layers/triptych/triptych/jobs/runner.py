"""Doing the same with many things at once.

Whatever goes wrong with one job, as an error of its own: the others go on.

Getting the input of a job, from its message or from where it is kept.

From the input of a job to a request that can be run, as the HTTP endpoints make it.

Running jobs whose inputs fit into memory, those for the same model together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import NamedTuple, Protocol

from triptych.clock import Deadline
from triptych.errors import NO_MEMORY, BadRequest, PayloadTooLarge, TriptychError
from triptych.inference.adaptive_batching import AdaptiveBatcher, Outcome
from triptych.inference.request import Prepared, prepare_infer, raw_request
from triptych.inference.rows import prepare_rows
from triptych.jobs.attempts import Attempt, Output
from triptych.jobs.inputs import InputStore, StoredInput
from triptych.jobs.submission import is_rows
from triptych.jobs.telemetry import JobTelemetry, ModelRun
from triptych.models.model import Model
from triptych.models.store import ModelStore
from triptych.protocol.compression import decompress
from triptych.protocol.infer_request import parse_infer_request
from triptych.rows.options import JobRequest

THREADS = 16
"""Calls to AWS that wait at the same time; each takes about 10 ms, and clients keep as many connections."""


class Each(Protocol):
    """Calls a function with each item."""

    def __call__[Item, Made](self, function: Callable[[Item], Made], items: Iterable[Item], /) -> list[Made]:
        """Gives the results in the order of the items; raises what the first that failed raised."""
        ...


class InThreads:
    """Calls in threads, which suits functions that wait for the network."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="jobs")

    def __call__[Item, Made](self, function: Callable[[Item], Made], items: Iterable[Item], /) -> list[Made]:
        """Gives the results in the order of the items."""
        return list(self._pool.map(function, items))


def one_by_one[Item, Made](function: Callable[[Item], Made], items: Iterable[Item], /) -> list[Made]:
    """Calls in turn, so that the order is known."""
    return [function(item) for item in items]


class InternalError(TriptychError):
    """Something failed that should not; the log tells where."""

    kind = "InternalError"
    retryable = True


class TooSlow(TriptychError):
    """The model does not answer in the time that a function has."""

    kind = "TooSlow"
    status = 504


def caught[Made](observer: JobTelemetry, action: Callable[[], Made]) -> Made | TriptychError:
    """Does something for one job.

    Args:
        observer: Is told what nobody expected.
        action: What is done.

    Returns:
        What it gives, or why it failed.
    """
    try:
        return action()
    except TriptychError as error:
        return error
    except MemoryError:
        return PayloadTooLarge(NO_MEMORY)
    except Exception as error:  # noqa: BLE001 - the edge of one job: it is told, and the log has the trace
        observer.unexpected(error)
        return InternalError(f"internal error: {type(error).__name__}")


MAX_IN_MEMORY = 5 * 2**20
"""Bytes of an input that is read into memory beside others: more than HTTP takes. Larger ones go by file."""


class Input(NamedTuple):
    """The input of a job.

    Attributes:
        request: How it is to be read.
        body: Its bytes; None when it is large.
        stored: Where it is kept; None when it came in the message.
    """

    request: JobRequest
    body: bytes | None
    stored: StoredInput | None = None


def input_of(attempt: Attempt, inputs: InputStore) -> Input:
    """Gets an input.

    Raises:
        BadRequest: There is none, or it may not be read.
        PayloadTooLarge: It is larger than a job takes.
        ServiceUnavailable: It cannot be read now.
    """
    job, body = attempt.job, attempt.arrival.body
    if attempt.arrival.error:
        raise attempt.arrival.error
    if job.input is None:
        if body is None:
            raise BadRequest("the message holds no input, and none is kept; submit the job again")
        return Input(job.request, body)
    stored = inputs.fetch(job.input, MAX_IN_MEMORY)
    if stored.content_encoding or job.request.content_encoding:
        stored = stored._replace(body=None)  # nobody knows how large it becomes
    request = job.request._replace(
        content_type=job.request.content_type or stored.content_type,
        content_encoding=job.request.content_encoding or stored.content_encoding,
    )
    return Input(request, stored.body, stored)


def prepare(model: Model, request: JobRequest, body: bytes) -> Prepared:
    """Decodes and checks the input of a job.

    Args:
        model: The model that it is for.
        request: How it is to be read.
        body: The input, compressed as it came.

    Raises:
        TriptychError: It is not what the model takes, as real time says it.
    """
    plain = decompress(body, request.content_encoding)
    if is_rows(request, plain):
        return prepare_rows(model, plain, request.row_options())
    length = request.header_length
    if length is not None and length > len(plain):
        raise BadRequest(f"the JSON header is said to have {length} bytes, but the input has {len(plain)}")
    message = raw_request(plain, model.signature) if length == 0 else parse_infer_request(plain, length)
    return prepare_infer(model, message)


Outputs = dict[str, Output | TriptychError]
"""What came of jobs, by id."""


class Runner:
    """Runs jobs.

    Args:
        inputs: Keeps inputs that do not travel in messages.
        models: Gives open models.
        grouping: Runs requests together.
        observer: Is told about every run.
        each: Gets many inputs at once.
    """

    def __init__(
        self,
        inputs: InputStore,
        models: ModelStore,
        grouping: AdaptiveBatcher,
        observer: JobTelemetry,
        each: Each,
    ) -> None:
        self._inputs = inputs
        self._models = models
        self._grouping = grouping
        self._observer = observer
        self._each = each

    def run(self, attempts: Sequence[Attempt], deadline: Deadline) -> Outputs:
        """Runs jobs; those for the same model together where that gives the same.

        Args:
            attempts: The jobs, those for the same model side by side.
            deadline: When the last run must have ended.

        Returns:
            For each job its result, or why there is none; nothing for those that memory is too small for,
            which may have room by file.
        """
        fetched = self._each(self._input, attempts)
        outputs: Outputs = {}
        ready: list[tuple[Attempt, Input]] = []
        for attempt, found in zip(attempts, fetched, strict=True):
            if isinstance(found, TriptychError):
                outputs[attempt.job.id] = found
            elif found.body is not None:
                ready.append((attempt, found))
        for _, same in groupby(ready, key=lambda pair: (pair[0].job.model, pair[0].job.version)):
            outputs |= self._together(list(same), deadline)
        return {
            job_id: outcome for job_id, outcome in outputs.items() if not isinstance(outcome, PayloadTooLarge)
        }

    def _input(self, attempt: Attempt) -> Input | TriptychError:
        return caught(self._observer, lambda: input_of(attempt, self._inputs))

    def _together(self, jobs: Sequence[tuple[Attempt, Input]], deadline: Deadline) -> Outputs:
        first = jobs[0][0].job
        model = caught(self._observer, lambda: self._models.get(first.model, first.version))
        if isinstance(model, TriptychError):
            return {attempt.job.id: model for attempt, _ in jobs}
        outputs: Outputs = {}
        prepared: dict[str, Prepared] = {}
        for attempt, found in jobs:
            made = self._prepared(model, found)
            if isinstance(made, TriptychError):
                outputs[attempt.job.id] = made
            else:
                prepared[attempt.job.id] = made
        return outputs | self._ran(model, prepared, deadline)

    def _prepared(self, model: Model, found: Input) -> Prepared | TriptychError:
        return caught(self._observer, lambda: prepare(model, found.request, found.body or b""))

    def _ran(self, model: Model, prepared: dict[str, Prepared], deadline: Deadline) -> Outputs:
        together = caught(
            self._observer, lambda: self._grouping.run_batched(model, list(prepared.values()), deadline)
        )
        if isinstance(together, TriptychError):
            return dict.fromkeys(prepared, together)
        for run in together.runs:
            self._observer.model_ran(ModelRun(model.name, model.version, run.requests, run.nanoseconds / 1e6))
        return {
            job_id: self._answered(model, request, outcome)
            for (job_id, request), outcome in zip(prepared.items(), together.outcomes, strict=True)
        }

    def _answered(self, model: Model, request: Prepared, outcome: Outcome) -> Output | TriptychError:
        if isinstance(outcome, TriptychError):
            return outcome
        answer = caught(self._observer, lambda: request.answer(outcome))
        return answer if isinstance(answer, TriptychError) else Output(*answer, version=model.version)
