"""Working through batches: every message gets the fate that its job calls for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from triptych.errors import ModelUnavailable, ServiceUnavailable
from triptych.jobs import transitions
from triptych.jobs.attempts import Attempt
from triptych.jobs.consumer import GRACE
from triptych.jobs.job import Job, JobResult, Status
from triptych.jobs.runner import Runner
from triptych.lifecycle.record import Failure
from triptych.protocol.tensors import Tensor

from tests.support.hooked_sessions import Hook
from tests.support.job_fakes import NOW
from tests.support.workshop import HOUR, SECONDS, Workshop, entries, sums


def first_values(workshop: Workshop, job: Job) -> list[float]:
    """Returns the first output of a job's result."""
    result = workshop.job(job).result
    assert result is not None
    values: list[float] = json.loads(workshop.results.read(result))["outputs"][0]["data"]
    return values


def test_a_batch(workshop: Workshop) -> None:
    """All jobs of a batch are run, each has its own result, and every message is done."""
    jobs = [workshop.submit(sums(float(number))) for number in range(12)]
    assert {None} == set(workshop.work().values())
    assert {Status.SUCCEEDED} == {workshop.job(job).status for job in jobs}
    assert [[number + 2.0, 0.0] for number in range(12)] == [first_values(workshop, job) for job in jobs]
    assert [["succeeded"]] * 12 == [workshop.told(job) for job in jobs]
    assert [(12, 0)] == workshop.observer.batches


def test_each_message_has_its_own_fate(workshop: Workshop) -> None:
    """Whatever order jobs end in, what is to be tried again comes again, and what has ended is done."""

    def unavailable(_: Mapping[str, Tensor]) -> None:
        raise ModelUnavailable("not now")

    good = workshop.submit(sums())
    bad = workshop.submit(b'{"inputs": []}')
    workshop.hooks.before = [unavailable]
    outcomes = workshop.work()
    assert [Status.QUEUED, Status.FAILED] == [workshop.job(good).status, workshop.job(bad).status]
    assert [False, True] == [outcome is None for outcome in outcomes.values()]
    workshop.hooks.before = []
    assert [None] == list(workshop.work().values())
    assert (Status.SUCCEEDED, 2, None) == (*_state(workshop, good), workshop.job(good).error)


def test_a_fault_of_the_request(workshop: Workshop) -> None:
    """It fails the job at once, with the words of real time; others in its group are not touched."""
    bad, good = workshop.submit(entries(7), "lookup"), workshop.submit(entries(1), "lookup")
    assert {None} == set(workshop.work().values())
    error = workshop.job(bad).error
    assert error is not None
    assert ("BadRequest", False, 1) == (error.type, error.retryable, workshop.job(bad).attempts)
    assert ([1.5], ["failed"]) == (first_values(workshop, good), workshop.told(bad))


def test_an_unknown_model(workshop: Workshop) -> None:
    """The job fails, and says which models there are."""
    job = workshop.submit(sums(), "nothing")
    workshop.work()
    error = workshop.job(job).error
    assert error is not None
    assert ("NotFound", False) == (error.type, error.retryable)


def test_what_may_pass_is_tried_again(workshop: Workshop) -> None:
    """The job waits with the reason, and its message comes later each time."""
    job = workshop.submit(sums())
    workshop.hooks.before = [_fail_with(ModelUnavailable("not now"))]
    for receives, longest in ((1, 10), (2, 20), (3, 40)):
        (seconds,) = workshop.work().values()
        assert seconds is not None
        assert (longest + 1) // 2 <= seconds <= longest
        assert (Status.QUEUED, receives) == _state(workshop, job)
    error = workshop.job(job).error
    assert error is not None
    assert ("ModelUnavailable", True, []) == (error.type, error.retryable, workshop.told(job))


def test_an_error_that_nobody_expected(workshop: Workshop) -> None:
    """It is told, says no secret, and is tried again."""
    job = workshop.submit(sums())
    fault = RuntimeError("secret")
    workshop.hooks.before = [_fail_with(fault)]
    assert [None] != list(workshop.work().values())
    error = workshop.job(job).error
    assert error is not None
    assert ("InternalError", "internal error: RuntimeError", True) == error
    assert [fault] == workshop.observer.failures


def test_an_input_that_fails_as_nobody_expected(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job waits with a reason that says no secret, and the fault is in the log."""
    job = workshop.submit(sums())
    fault = RuntimeError("secret")

    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr("triptych.jobs.attempts.input_of", fail)
    assert [None] != list(workshop.work().values())
    error = workshop.job(job).error
    assert error is not None
    assert ("InternalError", "internal error: RuntimeError", True) == error
    assert [fault] == workshop.observer.failures


def test_runs_of_models_are_reported(workshop: Workshop) -> None:
    """Each run is reported with its jobs, and its milliseconds are less than the invocation took."""
    for number in range(6):
        workshop.submit(sums(float(number)))
    workshop.work()
    assert {("adder", 1)} == {run[:2] for run in workshop.observer.runs}
    assert 6 == sum(jobs for _, _, jobs, _ in workshop.observer.runs)
    assert 0 < sum(milliseconds for *_, milliseconds in workshop.observer.runs) < 1000 * SECONDS


def test_no_more_is_in_memory_than_a_wave(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs run in waves, so that the messages of one have at most so many bytes together."""
    for _ in range(5):
        workshop.submit(sums())
    waves: list[int] = []
    run = Runner.run

    def watched(runner: Runner, attempts: Sequence[Attempt], *more: Any) -> Any:  # noqa: ANN401 - what it returns
        waves.append(len(attempts))
        return run(runner, attempts, *more)

    monkeypatch.setattr(Runner, "run", watched)
    monkeypatch.setattr("triptych.jobs.worker.WAVE", len(sums()) * 5 // 2)
    assert {None} == set(workshop.work().values())
    assert [2, 2, 1] == waves


def test_duplicates_in_a_batch(workshop: Workshop) -> None:
    """Two messages of one job are one run, and both are done; also two deliveries of one message."""
    job = workshop.submit(sums(), key="k")
    workshop.submit(sums(), key="k")
    deliveries = workshop.deliveries()
    outcomes = workshop.work([*deliveries, deliveries[0]._replace(receipt="another", receives=2)])
    assert (2, {None}) == (len(outcomes), set(outcomes.values()))
    assert (1, (Status.SUCCEEDED, 1)) == (len(workshop.observer.runs), _state(workshop, job))


def test_a_duplicate_after_the_end(workshop: Workshop) -> None:
    """The worker that ran the job may have ended before it notified: the next delivery does, and notes it."""
    job = workshop.submit(sums())
    for told in (1, 2, 2):
        workshop.done.clear()
        assert [None] == list(workshop.work().values())
        assert (1, ["succeeded"] * told) == (len(workshop.observer.runs), workshop.told(job))


def test_a_duplicate_while_it_runs(workshop: Workshop) -> None:
    """It is put off until the lease is over, and the run goes on."""
    job = workshop.submit(sums())
    seen: list[int | None] = []

    def deliver_again(_: Mapping[str, Tensor]) -> None:
        workshop.hooks.before = []
        seen.extend(workshop.work(workshop.deliveries()).values())

    workshop.hooks.before = [deliver_again]
    workshop.work()
    assert seen[0] is not None
    assert SECONDS - 1 <= seen[0] <= SECONDS + 1
    assert (Status.SUCCEEDED, 1) == _state(workshop, job)


def test_cancelled_while_it_runs(workshop: Workshop) -> None:
    """Its result is never published, and its message is done."""
    job = workshop.submit(sums())
    workshop.hooks.before = [lambda _: workshop.service.cancel(job.id)]
    assert [None] == list(workshop.work().values())
    assert (Status.CANCELLED, 0) == (workshop.job(job).status, len(workshop.results))
    assert ["cancelled"] == workshop.told(job)


def test_cancelled_before_it_runs(workshop: Workshop) -> None:
    """It is not run."""
    job = workshop.submit(sums())
    workshop.service.cancel(job.id)
    assert [None] == list(workshop.work().values())
    assert ([], Status.CANCELLED) == (workshop.observer.runs, workshop.job(job).status)


def test_expired_before_it_runs(workshop: Workshop) -> None:
    """It is not run, and everybody is told."""
    job = workshop.submit(sums())
    workshop.clock.advance(HOUR)
    assert [None] == list(workshop.work().values())
    assert ([], ["expired"]) == (workshop.observer.runs, workshop.told(job))
    assert [job.id] == [ended.id for ended in workshop.observer.ended]


def test_overtaken(workshop: Workshop) -> None:
    """Whoever runs a job longer than its lease loses it to the next one, whose end counts."""
    job = workshop.submit(sums())

    def slow(_: Mapping[str, Tensor]) -> None:
        workshop.hooks.before = []
        workshop.clock.advance(SECONDS + 1)
        workshop.work(workshop.deliveries())

    workshop.hooks.before = [slow]
    assert [None] == list(workshop.work().values())
    assert ((Status.SUCCEEDED, 2), {"succeeded"}) == (_state(workshop, job), set(workshop.told(job)))


def test_redriven_while_it_runs(workshop: Workshop) -> None:
    """A worker whose job has failed and was redriven meanwhile takes its result away again."""
    job = workshop.submit(sums())

    def redrive(_: Mapping[str, Tensor]) -> None:
        running = workshop.job(job)
        failed = transitions.failed(running, NOW, Failure("ServiceUnavailable", "gone", retryable=True))
        workshop.store.jobs[job.id] = transitions.redriven(failed, running.expires)

    workshop.hooks.before = [redrive]
    workshop.work()
    assert ((Status.QUEUED, 0), 0) == (_state(workshop, job), len(workshop.results))


def test_too_late(workshop: Workshop) -> None:
    """What ends after its lease and its time to live has expired: whoever looked meanwhile was told so."""
    job = workshop.submit(sums())
    workshop.hooks.before = [lambda _: workshop.clock.advance(HOUR)]
    assert [None] == list(workshop.work().values())
    assert (["expired"], 0) == (workshop.told(job), len(workshop.results))


def test_a_result_that_was_written_already(workshop: Workshop) -> None:
    """The first result stays, with what it said about itself."""
    job = workshop.submit(sums())
    first = workshop.results.put(job, b"first", JobResult("", "text/plain", None, 0, 9))
    workshop.work()
    assert (first, b"first") == (workshop.job(job).result, workshop.results.read(first))


def test_results_cannot_be_written(workshop: Workshop) -> None:
    """The job waits for the next attempt, and not until the lease is over."""
    job = workshop.submit(sums())
    workshop.results.broken = "no bucket"
    (seconds,) = workshop.work().values()
    assert seconds is not None
    assert seconds <= 10
    assert (Status.QUEUED, 1) == _state(workshop, job)
    workshop.results.broken = None
    workshop.work()
    assert (Status.SUCCEEDED, 2) == _state(workshop, job)


def test_the_end_cannot_be_told(workshop: Workshop) -> None:
    """The message comes again until the end is told, but the job is not run again."""
    job = workshop.submit(sums())
    workshop.notifier.broken = "no topic"
    assert [None] != list(workshop.work().values())
    assert Status.SUCCEEDED is workshop.job(job).status
    workshop.notifier.broken = None
    assert [None] == list(workshop.work().values())
    assert (["succeeded"], 1) == (workshop.told(job), len(workshop.observer.runs))


def test_records_cannot_be_read(workshop: Workshop) -> None:
    """Every message comes again."""
    jobs = [workshop.submit(sums()) for _ in range(3)]
    workshop.store.broken = "no table"
    assert None not in workshop.work().values()
    workshop.store.broken = None
    workshop.work()
    assert {Status.SUCCEEDED} == {workshop.job(job).status for job in jobs}


def test_a_record_that_vanishes(workshop: Workshop) -> None:
    """Only its own message comes again, and makes it again; the others go on."""
    lost, other = workshop.submit(sums()), workshop.submit(sums())
    workshop.hooks.before = [lambda _: workshop.store.jobs.pop(lost.id, None)]
    outcomes = list(workshop.work().values())
    assert [False, True] == [outcome is None for outcome in outcomes]
    workshop.hooks.before = []
    workshop.work()
    assert ["succeeded"] == workshop.told(lost) == workshop.told(other)


def test_no_time_left(workshop: Workshop) -> None:
    """Messages that cannot be begun come again at once, untouched."""
    job = workshop.submit(sums())
    assert [0] == list(workshop.work(seconds=1.0).values())
    assert (Status.QUEUED, 0) == _state(workshop, job)


def test_no_time_left_for_any_wave(workshop: Workshop) -> None:
    """Possible poison messages, which run one by one, come again at once as well; none is left out."""
    jobs = [workshop.submit(sums()) for _ in range(3)]
    for job in jobs:
        workshop.store.jobs[job.id] = transitions.started(workshop.job(job), NOW, NOW)
    assert [0, 0, 0] == list(workshop.work(seconds=1.0).values())
    assert [(Status.RUNNING, 1)] * 3 == [_state(workshop, job) for job in jobs]


@pytest.mark.parametrize("seconds", [0.0, -7.0])
def test_messages_come_back_soon_if_time_is_over(workshop: Workshop, seconds: float) -> None:
    """They are put off for the time of grace, never for less."""
    workshop.submit(sums())
    (delivery,) = workshop.deliveries()
    workshop.work([delivery], seconds)
    assert {delivery.receipt: GRACE} == workshop.queue.postponed


def test_messages_come_back_if_the_worker_ends(workshop: Workshop) -> None:
    """Before anything else, they are put off until shortly after the invocation."""
    workshop.submit(sums())
    (delivery,) = workshop.deliveries()
    workshop.work([delivery])
    assert SECONDS < workshop.queue.postponed[delivery.receipt] <= SECONDS + 5


def test_filled_cells(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted for each job, whether it is run in a group, in memory or by file."""
    rows = b"a_0,a_1,b_0,b_1\n1,,2,3\n"
    jobs = [workshop.submit(rows + b",,,NA\n" * more, content_type="text/csv") for more in range(3)]
    workshop.work()
    monkeypatch.setattr("triptych.jobs.attempts.MAX_IN_MEMORY", 1000)
    large = workshop.submit(b"-", content_type="text/csv")
    stored = workshop.inputs.keep("s3://inputs-bucket/inputs/large", rows + b",,,NA\n" * 1000)
    workshop.store.jobs[large.id] = large._replace(input=stored)
    workshop.work()
    results = [workshop.job(job).result for job in (*jobs, large)]
    assert [1, 5, 9, 4001] == [result and result.filled for result in results]


def test_a_large_input(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is run by file, beside others that are run in memory, and its files are removed."""
    monkeypatch.setattr("triptych.jobs.attempts.MAX_IN_MEMORY", 1000)
    small, large = workshop.submit(sums()), workshop.submit(b"-", "lookup", content_type="text/csv")
    stored = workshop.inputs.keep("s3://inputs-bucket/inputs/large", b"index\n" + b"0\n2\n" * 1000)
    workshop.store.jobs[large.id] = large._replace(input=stored)
    assert {None} == set(workshop.work().values())
    assert Status.SUCCEEDED is workshop.job(small).status
    result = workshop.job(large).result
    assert result is not None
    assert ["entry", *["0.5", "2.5"] * 1000] == workshop.results.read(result).decode().split()
    assert [] == list((workshop.directory / "large").iterdir())


def test_waits_of_a_delivery_count(workshop: Workshop) -> None:
    """The wait grows with the deliveries of the message, whoever had them."""
    workshop.submit(sums())
    workshop.hooks.before = [_fail_with(ServiceUnavailable("not now"))]
    (delivery,) = workshop.deliveries()
    (seconds,) = workshop.work([delivery._replace(receives=4)]).values()
    assert seconds is not None
    assert 40 <= seconds <= 80


def _state(workshop: Workshop, job: Job) -> tuple[Status, int]:
    found = workshop.job(job)
    return found.status, found.attempts


def _fail_with(error: Exception) -> Hook:
    def fail(_: Mapping[str, Tensor]) -> None:
        raise error

    return fail
