"""Jobs in any order of events: whatever fails, ends or comes twice, each ends once, rightly, and is told.

The functions are the deployed ones, over an account of AWS in this process. SQS is played: messages come in
any order, in any batch, again, late. Calls to AWS fail, happen twice, or end the process.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from triptych.aws.clients import AwsClients
from triptych.errors import ModelUnavailable, TriptychError
from triptych.jobs.telemetry import JobTelemetry

from tests.support.hooked_sessions import Hook
from tests.support.job_machine_bodies import Body, bodies
from tests.support.job_machine_faults import Crash, Fault, Kind
from tests.support.job_machine_invariants import check, finish
from tests.support.job_machine_world import World
from tests.support.realtime import Answer, RealtimeFunction, add_model
from tests.support.tiny_models import lookup, sum_and_difference

EXAMPLES, STEPS = 20, 25

BODIES = st.sampled_from(bodies())
NUMBERS = st.integers(0, 9)
PICKS = st.lists(NUMBERS, min_size=2, max_size=10)
KEYS = st.sampled_from(["k1", "k2"])
FAULTS = st.builds(Fault, st.sampled_from([*Kind]), st.integers(1, 8) | st.integers(8, 30))
PERHAPS = st.none() | FAULTS
LIFETIMES = st.sampled_from([60, 300, 86_400])
PAUSES = st.sampled_from([1, 31, 61, 301, 86_401])


class Jobs(RuleBasedStateMachine):
    """Callers, producers, functions, faults and time."""

    def __init__(self, new_world: Callable[[], World], expected: Callable[[Body], Answer]) -> None:
        super().__init__()
        self.world = new_world()
        self.expected = expected

    @initialize(first=st.lists(BODIES, min_size=2, max_size=6))
    def begin(self, first: list[Body]) -> None:
        """Hands over some jobs."""
        for body in first:
            self.submit(body, 300, None, None, 0)

    @rule(body=BODIES, lifetime=LIFETIMES, key=st.none() | KEYS, fault=PERHAPS, other=NUMBERS)
    def submit(self, body: Body, lifetime: int, key: str | None, fault: Fault | None, other: int) -> None:
        """Hands over a job; a key may have been used before, for the same or something else."""
        headers = body.headers | ({} if key is None else {"Idempotency-Key": key})
        query = body.query | {"time_to_live": str(lifetime)}
        answer = self._suffer(lambda: self._post(body, headers, query, body.content), fault, other)
        self._refused_or_accepted(answer, body)

    @rule(body=BODIES, fault=PERHAPS, other=NUMBERS)
    def upload(self, body: Body, fault: Fault | None, other: int) -> None:
        """Uploads an input, and hands over a job that refers to it."""
        form = self.world.call("POST", "/v2/uploads", {}).json()
        self.world.account.upload(form["input"], body.content)
        reference = json.dumps(body.reference(form["input"])).encode()
        answer = self._suffer(lambda: self._post(body, {}, body.query, reference), fault, other)
        self.world.accept(answer, body)

    @rule(body=BODIES, token=st.none() | KEYS, lifetime=LIFETIMES)
    def produce(self, body: Body, token: str | None, lifetime: int) -> None:
        """Sends a message without HTTP; a token may have been used before, for the same or something else."""
        given = {} if token is None else {"client_token": token}
        self.world.produce(
            {**body.message(), **given, "time_to_live": lifetime}, body if token is None else None
        )

    @rule(text=st.sampled_from(["", "nonsense", "{}", '{"model": "adder", "input": "s3://elsewhere/key"}']))
    def produce_nonsense(self, text: str) -> None:
        """Sends a message of which no job can be made."""
        self.world.produce_text(text or " ")

    @precondition(lambda self: self.world.queue.messages)
    @rule(picks=PICKS, fault=FAULTS, other=NUMBERS)
    def deliver(self, picks: list[int], fault: Fault, other: int) -> None:
        """Delivers messages, some of them twice."""
        self._suffer(lambda: self.world.deliver(picks), fault, other)

    @precondition(lambda self: self.world.queue.messages)
    @rule(picks=PICKS, number=NUMBERS, event=st.sampled_from(["cancel", "fail", "take long", "crash"]))
    def deliver_while(self, picks: list[int], number: int, event: str) -> None:
        """Delivers messages; meanwhile a job is cancelled, or runs fail, take long, or end the worker."""
        hooks = self.world.hooks.before
        hooks.append(self._interference(event, number))
        self._suffer(lambda: self.world.deliver(picks), None, number)
        hooks.pop()

    @precondition(lambda self: self.world.letters.messages)
    @rule(picks=PICKS, fault=PERHAPS, other=NUMBERS)
    def bury(self, picks: list[int], fault: Fault | None, other: int) -> None:
        """Delivers dead letters."""
        self._suffer(lambda: self.world.bury(picks), fault, other)

    @precondition(lambda self: self.world.queue.messages)
    @rule(pick=NUMBERS)
    def wear_out(self, pick: int) -> None:
        """Delivers a message as often as it takes until it is a dead letter, to workers that end at once."""
        for _ in range(5):
            self._suffer(lambda: self.world.deliver([pick]), Fault(Kind.CRASH_BEFORE, 2), pick)
        self.world.bury_worn()

    @rule(fault=PERHAPS, other=NUMBERS)
    def sweep(self, fault: Fault | None, other: int) -> None:
        """Sweeps."""
        self._suffer(self.world.sweep, fault, other)

    @precondition(lambda self: self.world.accepted)
    @rule(
        number=NUMBERS,
        fault=PERHAPS,
        other=NUMBERS,
        action=st.sampled_from(["GET", "DELETE", "result"]),
    )
    def look_or_change(self, number: int, fault: Fault | None, other: int, action: str) -> None:
        """Looks at a job, cancels it or fetches its result."""
        self._suffer(lambda: self._change(number, action), fault, other)

    @precondition(lambda self: self.world.redrivable())
    @rule(number=NUMBERS, fault=PERHAPS, other=NUMBERS)
    def redrive(self, number: int, fault: Fault | None, other: int) -> None:
        """Queues a job again that was given up."""
        failed = self.world.redrivable()
        job = {"id": failed[number % len(failed)]}
        self._suffer(lambda: self.world.call("POST", "/v2/jobs/{id}/redrive", job), fault, other)

    @rule(fault=PERHAPS)
    def newest(self, fault: Fault | None) -> None:
        """Lists jobs: each as it is."""
        answer = self._suffer(
            lambda: self.world.call("GET", "/v2/jobs", {}, query={"limit": "100"}), fault, 0
        )
        if answer is not None and answer.status == 200:
            listed = answer.json()["jobs"]
            assert {job["id"]: job["status"] for job in listed} == self.world.shown()
            for job in listed:
                self.world.history.seen(job)

    @rule(seconds=PAUSES)
    def wait(self, seconds: int) -> None:
        """Lets time pass: leases end, jobs expire."""
        self.world.clock.advance(seconds)

    @rule(deadly=st.booleans(), every=st.sampled_from([0, 2, 3]))
    def change_models(self, deadly: bool, every: int) -> None:  # noqa: FBT001 - drawn
        """Makes the deadly value harmless, or deadly again, and lets runs fail more or less often."""
        self.world.deadly, self.world.every = deadly, every

    def teardown(self) -> None:
        """Everything comes to its end, and is as it must be."""
        finish(self.world)
        self.world.faults.remove()
        check(self.world, self.expected)

    def _post(self, body: Body, headers: dict[str, str], query: dict[str, str], content: bytes) -> Answer:
        resource = "/v2/models/{model}/jobs"
        return self.world.call(
            "POST", resource, {"model": body.model}, headers=headers, query=query, body=content
        )

    def _refused_or_accepted(self, answer: Answer | None, body: Body) -> None:
        self.world.accept(answer, body)
        if answer is not None and not self.world.faults.fired:
            assert answer.status in ({202, 409} if body.taken else {400})

    def _change(self, number: int, action: str) -> Answer | None:
        job_id = self.world.job_id(number)
        if job_id is None:
            return None
        method, more = {"result": ("GET", "/result")}.get(action, (action, ""))
        answer = self.world.call(method, "/v2/jobs/{id}" + more, {"id": job_id})
        if answer.status == 200 and not more:
            self.world.history.seen(answer.json())
        return answer

    def _cancel(self, number: int) -> None:
        self._change(number, "DELETE")

    def _interference(self, event: str, number: int) -> Hook:
        runs = count()

        def interfere(_: object) -> None:
            if next(runs) < number % 4:
                return
            if event == "cancel":
                self._cancel(number)
            elif event == "take long":
                self.world.clock.advance(61)
            else:
                raise ModelUnavailable("not now") if event == "fail" else Crash

        return interfere

    def _suffer(self, action: Callable[[], Answer | None], fault: Fault | None, other: int) -> Answer | None:
        return self.world.suffer(action, fault, lambda: self._cancel(other))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A directory of models."""
    add_model(tmp_path / "models", "adder", sum_and_difference())
    add_model(tmp_path / "models", "lookup", lookup())
    return tmp_path


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Exception]]:
    """What nobody expected, which must not be; inputs are large from 100 KB on."""
    monkeypatch.setattr("triptych.jobs.attempts.MAX_IN_MEMORY", 100_000)
    found: list[Exception] = []

    def unexpected(_: JobTelemetry, error: Exception) -> None:
        if not isinstance(error, TriptychError):
            found.append(error)

    monkeypatch.setattr(JobTelemetry, "unexpected", unexpected)
    yield found
    assert [] == found


@pytest.mark.usefixtures("aws", "failures")
def test_jobs_in_any_order_of_events(models: Path) -> None:
    """Each accepted job ends in one final state, told at least once; results are there for success only."""
    function = RealtimeFunction(models / "models")
    aws = AwsClients()
    expected = cache(lambda body: body.answer(function))
    run_state_machine_as_test(
        lambda: Jobs(lambda: World(models, aws), expected),  # type: ignore[arg-type]  # any maker of machines
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )
