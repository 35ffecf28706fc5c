"""The world of the state machine: functions, queues, callers, time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from triptych.aws.clients import AwsClients
from triptych.errors import ModelUnavailable
from triptych.jobs.document import status_at
from triptych.jobs.job import IDS, Status
from triptych.protocol.tensors import Tensor

from tests.support.hooked_sessions import Hooks
from tests.support.job_fakes import JobClock
from tests.support.job_machine_aws import Account
from tests.support.job_machine_bodies import DEADLY, Body
from tests.support.job_machine_faults import Crash, Fault, Faults
from tests.support.job_machine_functions import Functions
from tests.support.job_machine_history import History
from tests.support.job_machine_queue import Message, Queue
from tests.support.realtime import Answer, Call, Invocation

BATCH = 10


class World:
    """Functions over an account, with time and faults in the hands of who plays.

    Args:
        directory: Where models are.
        aws: Clients for the account.

    Attributes:
        accepted: What is in each job that was accepted; None where only the message tells.
        queue: Messages of jobs.
        letters: Dead letters.
        deadly: Whether a certain value ends the process that runs it.
        every: How many runs there are for one that fails, though the next may not; 0 when none does.
    """

    def __init__(self, directory: Path, aws: AwsClients) -> None:
        self.account = Account(aws)
        self.clock = JobClock()
        self.history = History(self.account.job)
        self.faults = Faults(aws, self.history.before, self.history.after)
        self.hooks = Hooks([self._interfere])
        self.functions = Functions(directory, self.account, self.clock, self.hooks)
        self.queue = Queue(lambda event: self.functions.worker(event, Invocation()), self._done)
        self.letters = Queue(lambda event: self.functions.keeper(event, Invocation()), self._done)
        self.accepted: dict[str, Body | None] = {}
        self.deadly = True
        self.every = 2
        self._runs = 0
        self.faults.install()

    def suffer(
        self, action: Callable[[], Answer | None], fault: Fault | None, others: Callable[[], object]
    ) -> Answer | None:
        """Does something while a fault may come about; gives its answer, None when the process ended."""
        try:
            with self.faults.during(fault, others):
                answer = action()
        except Crash:
            answer = None
        if answer is not None and answer.status >= 500 and not self.faults.fired:
            self.history.wrong.append(f"{answer.status} without a reason: {answer.body!r}")
        if answer is not None and answer.status == 500:
            self.history.wrong.append(f"an internal error: {answer.body!r}")
        self.collect()
        return answer

    def call(self, method: str, resource: str, path: Mapping[str, str], **given: Any) -> Answer:  # noqa: ANN401 - of a Call
        """Calls the API."""
        return self.functions.api.handle(Call(method, resource, path, **given).event())

    def accept(self, answer: Answer | None, body: Body) -> None:
        """Notes a job, if it was accepted."""
        if answer is None or answer.status != 202:
            return
        job_id = answer.json()["id"]
        if self.accepted.setdefault(job_id, body) not in {body, None}:
            self.history.wrong.append(f"{job_id} was accepted for {self.accepted[job_id]} and {body}")

    def produce(self, envelope: dict[str, Any], body: Body | None) -> None:
        """Sends a message as a producer who does not use HTTP."""
        message_id = self.produce_text(json.dumps(envelope))
        self.accepted.setdefault(bearer(Message(message_id, json.dumps(envelope)))[0], body)

    def produce_text(self, text: str) -> str:
        """Sends any text."""
        message_id = self.account.send(text)
        self.collect()
        return message_id

    def shown(self) -> dict[str, str]:
        """Gives the state of every job as it must be shown now."""
        now = self.clock()
        return {job.id: status_at(job, now).value for job in self.account.jobs().values()}

    def collect(self) -> None:
        """Takes what was sent to the queues."""
        self.queue.messages += [Message(*received) for received in self.account.received()]
        self.letters.messages += [Message(*received) for received in self.account.letters()]

    def deliver(self, picks: list[int]) -> None:
        """Delivers messages by their numbers; those that were delivered too often are dead letters."""
        self.letters.messages += self.queue.worn()
        self.queue.deliver(self._picked(self.queue, picks), self.clock())

    def bury(self, picks: list[int]) -> None:
        """Delivers dead letters by their numbers."""
        self.letters.deliver(self._picked(self.letters, picks), self.clock())

    def bury_worn(self) -> None:
        """Makes dead letters of messages that were delivered too often, and delivers them."""
        self.letters.messages += self.queue.worn()
        self.letters.deliver(self.letters.messages, self.clock())

    def redrivable(self) -> list[str]:
        """Gives ids of jobs that were given up."""
        jobs = self.account.jobs().values()
        return [job.id for job in jobs if job.status is Status.FAILED and job.error and job.error.retryable]

    def sweep(self) -> None:
        """Sweeps."""
        self.functions.keeper({}, Invocation(120_000))

    def job_id(self, number: int) -> str | None:
        """Gives the id of an accepted job; None when there is none."""
        ids = list(self.accepted)
        return ids[number % len(ids)] if ids else None

    def _picked(self, queue: Queue, picks: list[int]) -> list[Message]:
        found = queue.messages
        return [found[pick % len(found)] for pick in picks] if found else []

    def _interfere(self, inputs: Mapping[str, Tensor]) -> None:
        self._runs += 1
        if self.deadly and any((tensor.values == DEADLY).any() for tensor in inputs.values()):
            raise Crash
        if self.every and self._runs % self.every == 0:
            raise ModelUnavailable("not now")

    def _done(self, message: Message) -> None:
        job_id, redrives = bearer(message)
        unreadable = IDS.derived("unreadable", message.id)
        job = self.account.job(unreadable) or self.account.job(job_id)
        self.collect()
        given_up = any(bearer(letter)[0] == job_id for letter in self.letters.messages)
        if job is None or not (job.final or given_up or redrives < job.redrives):
            self.history.wrong.append(f"message {message} is done, but its job is {job}")


def bearer(message: Message) -> tuple[str, int]:
    """Tells which job a message brings, if it can be read, and how often that had been redriven."""
    try:
        envelope: dict[str, Any] = json.loads(message.body)
    except ValueError:
        return IDS.derived("unreadable", message.id), 0
    token = envelope.get("client_token")
    derived = IDS.derived("queue", token) if token else IDS.derived("message", message.id)
    return envelope.get("id", derived), envelope.get("redrives", 0)
