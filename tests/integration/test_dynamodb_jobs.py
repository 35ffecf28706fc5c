"""Records of jobs in DynamoDB: conditions, races, lists, what is overdue."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from triptych.aws.clients import AwsClients
from triptych.aws.index import SHARDS, shard
from triptych.aws.table import deserialized
from triptych.errors import BadRequest, ServiceUnavailable
from triptych.jobs.job import PATIENCE, Job, JobRequest, JobResult, Status
from triptych.jobs.store import JobStore
from triptych.jobs.transitions import cancelled, started
from triptych.lifecycle.record import Failure, notified
from triptych.lifecycle.store import record_of

from tests.integration.job_world import RETENTION, TABLE, JobWorld
from tests.integration.outages import refusing
from tests.support.job_strategies import jobs

NOW = 1_767_225_600_000
HOUR = 3_600_000
STORE = JobStore(AwsClients(), TABLE, RETENTION)  # whose table is not called


def new_job(number: int = 0, *, model: str = "digits", created: int = NOW) -> Job:
    """A job whose id is a number: those from 0 to 7 are in all eight parts."""
    return Job(str(uuid.UUID(int=number)), model, None, JobRequest(), "digest", created, created + HOUR)


def add(world: JobWorld, *added: Job) -> None:
    """Keeps jobs."""
    assert [True] * len(added) == [world.jobs.add(job) for job in added]


def listed(world: JobWorld, limit: int, model: str | None = None) -> list[Job]:
    """Every job of a list, page by page; no page is longer than asked for."""
    found: list[Job] = []
    after = None
    while True:
        page = world.jobs.newest(model=model, after=after, limit=limit)
        assert len(page.records) <= limit
        found += page.records
        after = page.next
        if after is None:
            return found


def newest_first(*jobs: Job) -> list[Job]:
    """Jobs in the order of lists."""
    return sorted(jobs, key=lambda job: job.place, reverse=True)


@given(jobs())
def test_items(job: Job) -> None:
    """Any record comes back from its item as it was."""
    assert job == record_of(Job, deserialized(STORE.item(job)))


@given(jobs())
def test_index_keys(job: Job) -> None:
    """An item is in the index of what is due exactly while somebody has to look after the job."""
    item = STORE.item(job)
    assert item["shard"] == {"S": shard(job.id)}
    assert item["created_id"] == {"S": job.place}
    due = job.attended_until
    assert (None if due is None else {"N": str(due)}) == item.get("due")
    assert (None if due is None else item["shard"]) == item.get("due_shard")
    assert {"N": str(max(job.expires, job.ended or 0) // 1000 + RETENTION)} == item["delete_at"]


def test_unknown_attributes(world: JobWorld) -> None:
    """A record that a later release wrote is read by this one."""
    job = new_job()
    item = STORE.item(job)
    item["colour"] = {"S": "blue"}
    item["request"] = {"M": {"colour": {"S": "blue"}}}
    add(world, job)
    world.aws.dynamodb.put_item(TableName=TABLE, Item=item)
    assert job == world.jobs.get(job.id)


def test_added_once(world: JobWorld) -> None:
    """The first of two records with an id is kept."""
    first, second = new_job(), new_job(model="other")
    assert world.jobs.get(first.id) is None
    assert world.jobs.add(first) is True
    assert world.jobs.add(second) is False
    assert first == world.jobs.get(first.id)


def test_replaced_by_the_next_revision_only(world: JobWorld) -> None:
    """A record takes the place of the revision that it was made of, of no other, and of none."""
    job = new_job()
    running = started(job, NOW, NOW + HOUR)
    ended = cancelled(running, NOW)
    assert world.jobs.replace(running) is False
    add(world, job)
    assert world.jobs.replace(ended) is False
    assert world.jobs.replace(running) is True
    assert world.jobs.replace(running) is False
    assert world.jobs.replace(ended) is True
    assert ended == world.jobs.get(job.id)


def test_lost_races_need_no_read(world: JobWorld) -> None:
    """Who comes late gets the record that is there with the refusal, and goes on from it."""
    job = new_job()
    running = started(job, NOW, NOW + HOUR)
    add(world, job)
    world.jobs.replace(running)
    with refusing("GetItem", "InternalServerError"):
        assert running == world.jobs.swap(started(job, NOW + 1, NOW + HOUR))
        ended = world.jobs.move(job, partial(cancelled, now=NOW))
        assert world.jobs.swap(new_job(1)._replace(revision=1)) is None
    assert cancelled(running, NOW) == ended == world.jobs.get(job.id)


def test_removed_if_unchanged(world: JobWorld) -> None:
    """A record that was changed since it was read stays."""
    job = new_job()
    running = started(job, NOW, NOW + HOUR)
    add(world, job)
    world.jobs.replace(running)
    assert world.jobs.remove(job) is False
    assert running == world.jobs.get(job.id)
    assert world.jobs.remove(running) is True
    assert world.jobs.remove(running) is False
    assert world.jobs.get(job.id) is None


@pytest.mark.parametrize("action", ["add", "replace"])
def test_races(world: JobWorld, action: str) -> None:
    """Of many who do the same at once, one succeeds, and what it wrote is kept."""
    job = new_job()
    if action == "add":
        candidates = [job._replace(digest=str(number)) for number in range(8)]
    else:
        add(world, job)
        candidates = [started(job, NOW + number, NOW + HOUR) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(getattr(world.jobs, action), candidates))
    assert 1 == won.count(True)
    assert candidates[won.index(True)] == world.jobs.get(job.id)


def test_nested_records(world: JobWorld) -> None:
    """Request, error and result are maps, in which nothing stands for None."""
    error, result = Failure("BadRequest", "", retryable=False), JobResult("s3://b/k", "text/csv", None, 0, 3)
    job = new_job()._replace(request=JobRequest(join="all"), error=error, result=result)
    add(world, job)
    assert job == world.jobs.get(job.id)
    item = world.item(job.id)
    assert {"M": {"join": {"S": "all"}}} == item["request"]
    assert {"location", "content_type", "size", "version", "filled"} == item["result"]["M"].keys()
    assert not {"version", "input", "target", "started", "ended", "lease"} & item.keys()


def test_inline_result(world: JobWorld) -> None:
    """A small result is bytes in the record."""
    job = new_job()._replace(result=JobResult(None, "text/csv", None, 2, 1, body=b"\x00\xff"))
    add(world, job)
    assert job == world.jobs.get(job.id)
    assert {"B": b"\x00\xff"} == world.item(job.id)["result"]["M"]["body"]


def test_nothing_listed(world: JobWorld) -> None:
    """Without jobs there is one empty page."""
    assert [] == listed(world, 10)


@pytest.mark.parametrize("limit", [1, 2, 7, 8, 16, 40, 41])
def test_pages(world: JobWorld, limit: int) -> None:
    """Pages of any length hold every job once, newest first, also those of the same millisecond."""
    added = [new_job(number, created=NOW + number // 10) for number in range(40)]
    add(world, *added)
    assert set(SHARDS) == {shard(job.id) for job in added}
    assert newest_first(*added) == listed(world, limit)


def test_uneven_parts(world: JobWorld) -> None:
    """Pages are complete when nearly all jobs are in one part of the index."""
    added = [new_job(8 * number, created=NOW + number) for number in range(30)]
    added.append(new_job(1, created=NOW - 1))
    add(world, *added)
    assert newest_first(*added) == listed(world, 4)


def test_pages_of_a_model(world: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of a model are all found between those of others, however little a query looks at."""
    monkeypatch.setattr("triptych.aws.index._LOOKED_AT", 2)
    monkeypatch.setattr("triptych.aws.index._ROUNDS", 1)
    rare = [new_job(number, model="rare") for number in (3, 77, 170)]
    common = [new_job(number, created=NOW + number) for number in range(200) if number not in {3, 77, 170}]
    add(world, *rare, *common)
    assert newest_first(*rare) == listed(world, 1, "rare")
    assert [] == listed(world, 50, "none")


def test_after_any_job(world: JobWorld) -> None:
    """A list goes on after any job, also one that is gone."""
    added = [new_job(number, created=NOW + number) for number in range(6)]
    add(world, *added)
    world.jobs.remove(added[3])
    page = world.jobs.newest(model=None, after=added[3].place, limit=2)
    assert (list(page.records), page.next) == ([added[2], added[1]], added[1].place)


@pytest.mark.parametrize("after", ["", "x", "1.2", f"{NOW}.{'G' * 36}", f"{NOW}.{uuid.UUID(int=0)}\n"])
def test_wrong_next(world: JobWorld, after: str) -> None:
    """What no page gave is refused."""
    with pytest.raises(BadRequest, match="next: expected what the page before gave"):
        world.jobs.newest(model=None, after=after, limit=1)


def test_gone_between_index_and_record(world: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that is deleted while it is listed is left out, and the list goes on."""
    added = [new_job(number, created=NOW + number) for number in range(3)]
    add(world, *added)
    give = world.aws.dynamodb.batch_get_item

    def late(**asked: Any) -> Any:  # noqa: ANN401 - of boto3
        world.jobs.remove(added[2])
        return give(**asked)

    monkeypatch.setattr(world.aws.dynamodb, "batch_get_item", late)
    page = world.jobs.newest(model=None, after=None, limit=2)
    assert ([added[1]], added[1].place) == (list(page.records), page.next)


def test_unattended(world: JobWorld) -> None:
    """What should have ended, or whose end should have been told, is found; the longest overdue first."""
    queued = new_job(1)
    running = started(new_job(2), NOW, NOW + 2 * HOUR)
    ended = cancelled(new_job(3), NOW)
    quiet = notified(cancelled(new_job(4), NOW))
    add(world, queued, running, ended, quiet)
    found = [
        world.jobs.unattended(moment, 10) for moment in (NOW, NOW + PATIENCE, NOW + HOUR, NOW + 2 * HOUR)
    ]
    expected = [[], [ended.id], [ended.id, queued.id], [ended.id, queued.id, running.id]]
    assert expected == found
    assert [ended.id, queued.id] == world.jobs.unattended(NOW + 2 * HOUR, 2)


def test_attended(world: JobWorld) -> None:
    """A job that has ended and was told about is not looked after any more."""
    job = new_job()
    ended = cancelled(job, NOW)
    add(world, job)
    world.jobs.replace(ended)
    world.jobs.replace(notified(ended))
    assert [] == world.jobs.unattended(NOW + 100 * HOUR, 10)
    assert not {"due", "due_shard"} & world.item(job.id).keys()


def test_left_out_records(world: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that DynamoDB leaves out are asked for again; when it never gives them, the table is busy."""
    added = [new_job(number) for number in range(5)]
    add(world, *added)
    pauses: list[float] = []
    monkeypatch.setattr("triptych.aws.table.time", SimpleNamespace(sleep=pauses.append))
    give = world.aws.dynamodb.batch_get_item
    asked_for: list[int] = []

    def one_at_once(RequestItems: dict[str, Any]) -> Any:  # noqa: N803, ANN401 - of boto3
        keys: list[Any] = RequestItems[TABLE]["Keys"]
        asked_for.append(len(keys))
        answer = give(RequestItems={TABLE: {"Keys": keys[:1]}})
        answer["UnprocessedKeys"] = {TABLE: {"Keys": keys[1:]}} if keys[1:] else {}
        return answer

    monkeypatch.setattr(world.aws.dynamodb, "batch_get_item", one_at_once)
    assert newest_first(*added) == list(world.jobs.newest(model=None, after=None, limit=10).records)
    assert [5, 4, 3, 2, 1] == asked_for
    add(world, new_job(5))
    with pytest.raises(ServiceUnavailable, match="the table of jobs cannot be reached: it asks for fewer"):
        world.jobs.newest(model=None, after=None, limit=10)
    assert pauses[:4] == sorted(pauses[:4])


def test_reserved_words(world: JobWorld) -> None:
    """No expression holds a plain name: DynamoDB reserves hundreds of words, moto only some of them."""
    expressions: list[str] = []

    def record(params: dict[str, Any], **_: object) -> None:
        expressions.extend(text for name, text in params.items() if name.endswith("Expression"))

    job = new_job()
    add(world, job)
    world.aws.dynamodb.meta.events.register("provide-client-params.dynamodb", record)
    world.jobs.add(job)
    world.jobs.replace(job)
    world.jobs.remove(job)
    world.jobs.newest(model="digits", after=job.place, limit=1)
    world.jobs.unattended(NOW, 1)
    assert {"attribute_not_exists", "AND"} == set(re.findall(r"(?<![#:\w])\w+", " ".join(expressions)))


def test_states_survive(world: JobWorld) -> None:
    """Each state is kept as itself."""
    for number, status in enumerate(Status):
        job = new_job(number)._replace(status=status)
        add(world, job)
        found = world.jobs.get(job.id)
        assert found is not None
        assert status is found.status
