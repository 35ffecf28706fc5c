"""Files that are dropped become batches, whatever happens on the way."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import orjson
import pytest
from triptych.aws.objects import ObjectReader, StoredObject
from triptych.batches.batch import Batch, Status
from triptych.batches.events import uploads_of
from triptych.batches.submission import read_submission
from triptych.batches.uploads import Upload
from triptych.clock import Deadline
from triptych.errors import BadRequest
from triptych.inference.piece import Counts

from tests.support.batch_world import BatchWorld

HEAD = b"island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n"
ROW = b"Torgersen,39.1,18.7,181,3750,male,2007\n"
BAD = b"Dream,tall,18.7,181,3750,male,2007\n"
BODY = HEAD + 3 * ROW + BAD
LOST = {"Error": "Runtime.ExitError", "Cause": ""}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BatchWorld]:
    """Gives an empty world, and sees that nothing stays half written."""
    world = BatchWorld(tmp_path)
    yield world
    assert [] == world.work.unfinished


def dropped(world: BatchWorld, key: str, body: bytes) -> Upload:
    """Drops a file, and gives what is told about it."""
    found = world.inputs.drop(key, body)
    return Upload(key, found.version, found.etag)


def taken(world: BatchWorld, upload: Upload) -> int | None:
    """Tells of an upload."""
    return world.uploads.process(upload, Deadline.after(60))


def only(world: BatchWorld) -> Batch:
    """Gives the only batch."""
    (batch,) = world.store.batches.values()
    return batch


def test_small_file(world: BatchWorld) -> None:
    """A small file has its predictions when the function returns; everybody is told once."""
    upload = dropped(world, "penguins/a.csv", BODY)
    assert [None, None] == [taken(world, upload), taken(world, upload)]
    batch = only(world)
    assert (Status.SUCCEEDED_WITH_ERRORS, Counts(4, 3, 1), True) == (
        batch.status,
        batch.counts,
        batch.notified,
    )
    names = ("errors.jsonl", "manifest.json", "out")
    assert [f"penguins/a.csv.{name}" for name in names] == world.outputs.keys
    assert [batch.id] == [told.id for told in world.told]


@pytest.mark.parametrize(
    ("key", "body", "message"),
    [
        ("penguins/a.csv", b"a,b\n1,2\n", "missing column 'island'"),
        ("nothing/a.csv", BODY, "unknown model 'nothing'"),
        ("penguins/a.txt", BODY, "its name must end in"),
        ("a.csv", BODY, "expected <model>/<file>"),
    ],
)
def test_wrong_file(world: BatchWorld, key: str, body: bytes, message: str) -> None:
    """A file that is wrong as a whole ends at once, with a manifest that says why."""
    assert taken(world, dropped(world, key, body)) is None
    batch = only(world)
    assert Status.FAILED == batch.status
    assert batch.error is not None
    assert message in batch.error.message
    manifest = orjson.loads(world.outputs.get(f"{key}.manifest.json") or b"{}")
    assert ("failed", batch.error.message) == (manifest["status"], manifest["error"]["message"])


def test_misspelt_option(world: BatchWorld) -> None:
    """A file whose metadata misspells an option ends with a manifest that has the name that was meant."""
    found = world.inputs.drop("penguins/a.csv", BODY, {"jion": "all", "mtime": "1", "tolerance": "0.9"})
    taken(world, Upload("penguins/a.csv", found.version, found.etag))
    manifest = orjson.loads(world.outputs.get("penguins/a.csv.manifest.json") or b"{}")
    assert "failed" == manifest["status"]
    meant = "unknown option 'x-amz-meta-jion' (did you mean 'join'?); options are join, outputs,"
    assert manifest["error"]["message"].startswith(meant)


def test_large_file(world: BatchWorld) -> None:
    """A large file goes to the state machine, which is started again where that is in doubt."""
    upload = dropped(world, "penguins/a.csv", HEAD + 300 * ROW)
    assert [None, None] == [taken(world, upload), taken(world, upload)]
    batch = only(world)
    assert (Status.PLANNING, batch.id) == (batch.status, batch.execution)
    assert {batch.id: batch.id} == world.workflow.started


def test_removed_file(world: BatchWorld) -> None:
    """What is gone when it is told of makes no batch."""
    assert taken(world, Upload("penguins/a.csv", "7", "x")) is None
    assert 0 == len(world.store)


def test_replaced_file_in_a_bucket_without_versions(world: BatchWorld) -> None:
    """The event of content that was replaced does nothing; that of what is there now makes the only batch."""
    old = dropped(world, "penguins/a.csv", BODY)._replace(version=None)
    new = dropped(world, "penguins/a.csv", HEAD + ROW)._replace(version=None)
    assert [None, None] == [taken(world, upload) for upload in (old, new)]
    assert Counts(1, 1, 0) == only(world).counts


def test_leased_file(world: BatchWorld) -> None:
    """What somebody is transforming comes again soon, and is found done then."""
    upload = dropped(world, "penguins/a.csv", BODY)
    taken(world, upload)
    batch = only(world)
    world.store.batches[batch.id] = batch._replace(status=Status.RUNNING, lease=world.clock.now + 1000)
    assert 5 == taken(world, upload)
    world.clock.advance(2)
    assert taken(world, upload) is None
    assert only(world).final


def results(world: BatchWorld) -> dict[str, StoredObject | None]:
    """Gives all objects in the bucket of outputs."""
    return {key: world.outputs.find(key) for key in world.outputs.keys}


def test_a_bad_file_over_a_good_one(world: BatchWorld) -> None:
    """Of the good file nothing is left beside the manifest that says why the bad one failed."""
    taken(world, dropped(world, "penguins/a.csv", BODY))
    taken(world, dropped(world, "penguins/a.csv", b"a,b\n1,2\n"))
    assert ["penguins/a.csv.manifest.json"] == world.outputs.keys
    assert "failed" == orjson.loads(world.outputs.get("penguins/a.csv.manifest.json") or b"")["status"]


@pytest.mark.parametrize("body", [BODY, b"a,b\n1,2\n", HEAD + 300 * ROW], ids=["good", "bad", "large"])
def test_a_late_event(world: BatchWorld, body: bytes) -> None:
    """An upload that is told after the one that replaced it touches nothing of the newer one's results."""
    old = dropped(world, "penguins/a.csv", body)
    taken(world, dropped(world, "penguins/a.csv", HEAD + ROW + BAD))
    made = results(world)
    assert taken(world, old) is None
    for batch_id in world.workflow.started.values():
        plan = world.machine.plan({"batch": batch_id}, Deadline.after(60))
        for chunk in world.listed(plan):
            world.machine.merge({"batch": batch_id, "chunk": chunk, "failure": LOST}, Deadline.after(60))
        world.machine.merge({"batch": batch_id, "finish": True}, Deadline.after(60))
    assert made == results(world)
    assert {Status.FAILED, Status.SUCCEEDED_WITH_ERRORS} == {
        batch.status for batch in world.store.batches.values()
    }


@pytest.mark.parametrize("body", [BODY, b"a,b\n1,2\n"], ids=["good", "bad"])
def test_a_repeated_event(world: BatchWorld, body: bytes) -> None:
    """A second event deletes nothing of a file that has ended, whether or not its batch has."""
    upload = dropped(world, "penguins/a.csv", body)
    taken(world, upload)
    made = results(world)
    taken(world, upload)
    batch = only(world)
    world.store.batches[batch.id] = batch._replace(
        status=Status.PLANNING
    )  # it died before it ended the batch
    assert taken(world, upload) is None
    assert made == results(world)
    assert only(world).final


def test_work_on_a_new_file(world: BatchWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a file is read, all that an earlier one left under its key is gone, by either way."""
    taken(world, dropped(world, "penguins/a.csv", BODY))
    read = list[str]()

    def opened(found: StoredObject) -> ObjectReader:
        assert [] == world.outputs.keys
        read.append(found.key)
        return open_input(found)

    open_input = world.inputs.open
    monkeypatch.setattr(world.inputs, "open", opened)
    taken(world, dropped(world, "penguins/a.csv", HEAD + 2 * ROW))
    assert len(world.outputs.keys) == len(read) == 2  # to plan it, and to transform it
    batch = world.service.submit(read_submission({"keys": ["penguins/a.csv"]}))
    world.machine.plan({"batch": batch.id}, Deadline.after(60))
    assert 3 == len(read)


def test_outages_end(world: BatchWorld) -> None:
    """What fails for a reason that may pass is tried again, and given up with the reason."""
    upload = dropped(world, "penguins/a.csv", BODY)
    world.workflow.broken = "the state machine cannot be reached"
    large = dropped(world, "penguins/b.csv", HEAD + 300 * ROW)
    assert [10, 20, 40] == [taken(world, large) for _ in range(3)]
    assert taken(world, large) is None
    batch = only(world)
    assert batch.error is not None
    assert "it was tried 3 times; the last time: the state machine cannot be reached" == batch.error.message
    assert (Status.FAILED, True) == (batch.status, batch.error.retryable)
    assert taken(world, upload) is None


def test_events_of_s3() -> None:
    """Keys come encoded; versions of buckets without are none; only uploads count."""
    created = {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": "m/a+%C3%A9.csv", "eTag": '"e"'}}}
    versioned = {
        "eventName": "s3:ObjectCreated:CompleteMultipartUpload",
        "s3": {"object": {"key": "m/b.csv", "eTag": "f", "versionId": "v"}},
    }
    removed = {"eventName": "ObjectRemoved:Delete", "s3": {"object": {"key": "m/c.csv"}}}
    event = {"Records": [created, versioned, removed]}
    assert [Upload("m/a é.csv", None, "e"), Upload("m/b.csv", "v", "f")] == list(uploads_of(event))
    assert [] == list(uploads_of({"Service": "Amazon S3", "Event": "s3:TestEvent"}))


@pytest.mark.parametrize("key", ["penguins/", "penguins/2026/", "penguins/2026_$folder$"])
def test_folders(key: str) -> None:
    """An object that only marks a folder, as the S3 console makes it, is no upload."""
    made = {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": quote_plus(key), "eTag": "e"}}}
    file = {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": f"{key}/a.csv", "eTag": "e"}}}
    assert [Upload(f"{key}/a.csv", None, "e")] == list(uploads_of({"Records": [made, file]}))


@pytest.mark.parametrize("event", [{}, {"Records": [{}]}, {"Records": 1}, {"Records": [1]}])
def test_what_is_no_event(event: dict[str, object]) -> None:
    """What cannot be read is refused, so that it ends among the dead letters."""
    with pytest.raises(BadRequest, match="the message is no event of S3"):
        list(uploads_of(event))
