"""The steps of the state machine, which are one function; each message in and out is JSON.

| `step` | the rest of the message | answer |
|---|---|---|
| plan | `{"batch": id}` | the same, and where the lists of `chunks` and `joins` are, with their `count` |
| chunk | `{"batch": id, "chunk": {...}}` | the message with what is left of the chunk, and `done` |
| merge | `{"batch": id, "join": {...}}` | `{}` |
| merge | `{"batch": id, "finish": true}` | `{}` |
| merge | `{"batch": id, "chunk" or "join": {...}, "failure": {"Error": ..., "Cause": ...}}` | `{}` |
| merge | `{"batch": id, "failure": {"Error": ..., "Cause": ...}}` | `{}` |

A chunk that must be read in one go, and for which there was not enough time, is answered as `late`: the next
call makes a plain copy of its file, and those after that go on with the copy as far as there is time.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from triptych.batches.batch import Batch
from triptych.batches.chunk import Transformer
from triptych.batches.file import Chunk, Join, decode, encode
from triptych.batches.finish import Finisher
from triptych.batches.keys import work_list_key
from triptych.batches.plan import Planned, Planner
from triptych.batches.service import BatchService
from triptych.batches.staging import plain_copy
from triptych.batches.store import BatchStorage, Cancelled
from triptych.batches.telemetry import BatchTelemetry
from triptych.batches.transitions import handed_over, planned
from triptych.clock import Clock, Context, Deadline
from triptych.errors import BadRequest, DeadlineExceeded, ServiceUnavailable, TriptychError
from triptych.inference.reading import is_positioned
from triptych.lifecycle.record import Failure

Message = Mapping[str, Any]

_SAFETY_MARGIN = 2.0
"""Seconds kept for the answer of a step."""

_REASONS = {
    "Lambda.Unknown": "a function ended without a word, perhaps for want of memory or time",
    "Runtime.ExitError": "a function ended without a word, perhaps for want of memory",
    "Sandbox.Timedout": "a function ran out of time",
    "States.Timeout": "it took longer than it may",
    "TIMED_OUT": "it took longer than it may",
    "ABORTED": "somebody stopped its execution",
}


class FileSteps(NamedTuple):
    """What cuts files into chunks, transforms those to parts, and joins parts to outputs."""

    planner: Planner
    transformer: Transformer
    finisher: Finisher


class WorkflowSteps:
    """Plans, transforms and joins for the state machine.

    A step raises `TriptychError` for what may pass: the state machine tries it again, or gives up.
    """

    def __init__(
        self,
        storage: BatchStorage,
        service: BatchService,
        steps: FileSteps,
        telemetry: BatchTelemetry,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._service = service
        self._steps = steps
        self._telemetry = telemetry
        self._clock = clock

    def __call__(self, event: Message, context: Context) -> dict[str, Any]:
        """Runs the step that an invocation's message names, in the time that the invocation has."""
        self._telemetry.request_started(context.aws_request_id)
        return self.run(event, Deadline.of(context, _SAFETY_MARGIN))

    def run(self, message: Message, deadline: Deadline) -> dict[str, Any]:
        """Runs the step that a message names; raises `BadRequest` if it names none."""
        steps = {"plan": self.plan, "chunk": self.chunk, "merge": self.merge}
        step = steps.get(str(message.get("step")))
        if step is None:
            raise BadRequest(f"step: expected one of {', '.join(steps)}, got {message.get('step')!r}")
        return step(message, deadline)

    def plan(self, message: Message, deadline: Deadline) -> dict[str, Any]:
        """Plans a batch; one that cannot be planned ends here, with nothing left to do."""
        batch = self._batch(message)
        try:
            batch = self._storage.batches.move(batch, partial(handed_over, now=self._clock()))
            plan = self._steps.planner.plan(batch, deadline)
            self._storage.batches.move(batch, partial(planned, files=plan.files, chunks=plan.chunks))
        except TriptychError as error:
            if error.retryable and not isinstance(error, DeadlineExceeded):
                raise
            self._service.fail(batch.id, Failure.of(error)._replace(retryable=False))
            plan = Planned(0, 0, 0, 0)
        bucket = self._storage.work.name
        return {
            "batch": batch.id,
            "chunks": {"bucket": bucket, "key": work_list_key(batch.id, "chunks"), "count": plan.left},
            "joins": {"bucket": bucket, "key": work_list_key(batch.id, "joins"), "count": plan.joins},
        }

    def chunk(self, message: Message, deadline: Deadline) -> dict[str, Any]:
        """Goes on with a chunk; the only one of its file is finished as well."""
        batch, chunk = self._batch(message), decode(Chunk, message.get("chunk"))
        if self._storage.batches.outcome(batch.id, chunk.file.number):  # of another chunk, or from before
            return _chunk_answer(batch, chunk, done=True)
        try:
            if message.get("late"):
                return _chunk_answer(batch, plain_copy(self._storage, batch, chunk.file, deadline))
            rest = self._steps.transformer.run(batch, chunk, deadline)
        except TriptychError as error:
            return self._chunk_failed(batch, chunk, error)
        if rest is None and chunk.only:
            self._steps.finisher.finish(batch, Join(chunk.file, _first(message, chunk), chunk.end))
        return {"first": _first(message, chunk), **_chunk_answer(batch, rest or chunk, done=rest is None)}

    def _chunk_failed(self, batch: Batch, chunk: Chunk, error: TriptychError) -> dict[str, Any]:
        """Ends the file for good, or asks for another way; raises what may pass."""
        in_one_go = chunk.staged is None and not is_positioned(chunk.file.form)
        if isinstance(error, DeadlineExceeded) and in_one_go:
            return {**_chunk_answer(batch, chunk), "late": True}
        if error.retryable:
            raise error
        if not isinstance(error, Cancelled):
            self._steps.finisher.refuse_file(batch, chunk.file, error)
        return _chunk_answer(batch, chunk, done=True)

    def merge(self, message: Message, _: Deadline) -> dict[str, Any]:
        """Joins a file, ends one of which a chunk cannot be made, or ends the batch."""
        batch = self._batch(message)
        failure = message.get("failure")
        if failure and message.keys() & {"chunk", "join"}:
            named = decode(Chunk, message["chunk"]) if "chunk" in message else decode(Join, message["join"])
            self._steps.finisher.refuse_file(batch, named.file, file_failure(failure))
        elif failure:
            self._service.fail(batch.id, batch_failure(failure))
        elif message.get("finish"):
            self._service.finish(batch.id)
        else:
            with suppress(Cancelled):
                self._steps.finisher.finish(batch, decode(Join, message.get("join")))
        return {}

    def _batch(self, message: Message) -> Batch:
        batch_id = message.get("batch")
        if not isinstance(batch_id, str):
            raise BadRequest("the message of the state machine names no batch")
        return self._storage.batches.existing(batch_id)


def _chunk_answer(batch: Batch, chunk: Chunk, *, done: bool = False) -> dict[str, Any]:
    return {"step": "chunk", "batch": batch.id, "chunk": encode(chunk), "done": done}


def _first(message: Message, chunk: Chunk) -> int:
    """Returns where a chunk began before the transformed part was taken off."""
    first = message.get("first", chunk.start)
    return first if isinstance(first, int) else chunk.start


def file_failure(failure: Mapping[str, str]) -> ServiceUnavailable:
    """Returns why a file was given up, of `Error` and `Cause` of Step Functions."""
    return ServiceUnavailable(
        f"a part of the file was tried again and again: {_reason(failure)}; "
        "redrive the batch once the cause is gone"
    )


def batch_failure(failure: Mapping[str, str]) -> Failure:
    """Returns why a whole batch was given up; the argument is that of `file_failure`."""
    message = f"the state machine gave up: {_reason(failure)}; redrive the batch once the cause is gone"
    return Failure(ServiceUnavailable.kind, message, retryable=True)


def _reason(failure: Mapping[str, str]) -> str:
    name, cause = str(failure.get("Error")), str(failure.get("Cause") or "")[:500]
    return _REASONS.get(name, f"{name}: {cause}" if cause else name)
