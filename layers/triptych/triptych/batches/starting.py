"""Handing batches over to the state machine."""

from __future__ import annotations

from functools import partial

from triptych.aws.queue import Queue
from triptych.aws.workflow import Workflow
from triptych.batches.batch import Batch, execution_name
from triptych.batches.finalize import BatchLedger
from triptych.batches.transitions import handed_over
from triptych.clock import Clock
from triptych.errors import Conflict
from triptych.protocol.json_document import dump

REMINDER_SECONDS = 60
"""Seconds until a reminder is delivered: the function that accepts batches has ended by then, it has 28."""


class Starter:
    """Hands batches over to the state machine; to do so again changes nothing.

    Args:
        ledger: Moves batches.
        workflow: Runs them.
        queue: Takes reminders.
        clock: Gives the milliseconds since 1970.
    """

    def __init__(self, ledger: BatchLedger, workflow: Workflow, queue: Queue, clock: Clock) -> None:
        self._ledger = ledger
        self._workflow = workflow
        self._queue = queue
        self._clock = clock

    def remind(self, batch_id: str) -> None:
        """Makes sure that a batch is started even if this process dies before it has done so.

        Call it before the batch is recorded as queued: a minute later, the message starts it if it still is.

        Raises:
            ServiceUnavailable: The queue cannot be reached.
        """
        self._queue.send(dump({"start": batch_id}).decode(), REMINDER_SECONDS)

    def start(self, batch: Batch) -> Batch:
        """Starts an execution, and notes it after that: a note without an execution would wait for ever.

        Returns:
            The batch as it is by then, which may have ended.

        Raises:
            ServiceUnavailable: It could not be started.
        """
        self._workflow.start(execution_name(batch.id, batch.redrives), batch.id)
        try:
            return self._ledger.move(batch, partial(handed_over, now=self._clock()))
        except Conflict:  # it has ended already
            return self._ledger.known(batch.id)
