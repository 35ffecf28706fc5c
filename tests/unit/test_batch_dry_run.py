"""What a dry run tells of a batch with lookups, beside what the batch then takes."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from triptych.aws.objects import StoredObject
from triptych.aws.table import Pacer
from triptych.batches import chunk as module
from triptych.batches import dry_run
from triptych.batches.chunk import Transformer
from triptych.batches.dry_run import DryRun, Workers
from triptych.batches.lookup import LookupRate
from triptych.batches.submission import read_submission
from triptych.batches.uploads import Upload
from triptych.clock import Deadline

from tests.support.batch_world import BatchWorld, models
from tests.unit.fakes.clock import Clock

RATE = LookupRate(100, uploads=2, chunks=50)
USERS = 3_000
START = 5.0  # seconds of a cold start, the model and planning, which are not run here


def test_lookups_take_as_long_as_was_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many predictions are written, in as many seconds at the pace of the stack, as the dry run told."""
    world = BatchWorld(tmp_path)
    body = b"user_id\n" + b"".join(b"%d\n" % user for user in range(1000, 1000 + USERS))
    metadata = {"lookup": "true", "key": "user_id"}
    batch, file = world.dropped("recommender/users.csv", body, metadata)
    chunks = world.chunks(batch, file, 4_000)
    workers = Workers(4_000, memory=1769, concurrency=1, lookups=RATE)
    told = DryRun(world.storage, models, workers).describe(
        read_submission({"keys": [file.key]}), Deadline.after(60)
    )

    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    monkeypatch.setattr(module, "Pacer", partial(Pacer, sleep=clock.advance, clock=clock))
    running = batch._replace(execution="one", chunks=len(chunks))
    transformer = Transformer(world.storage, models, world.observer, RATE)
    begun = clock.now
    for chunk in chunks:
        assert transformer.run(running, chunk, Deadline.after(900)) is None

    assert (told["rows"], told["chunks"]) == (len(world.predictions.kept), len(chunks))
    # Four chunks share fifty writes a second; here one is done after the other.
    assert len(chunks) * USERS / 50 == pytest.approx(clock.now - begun, rel=0.02)
    assert clock.now - begun == pytest.approx(told["estimated_seconds"] - START, rel=0.02)


def plan(world: BatchWorld, seconds: float) -> dict[str, Any]:
    """Asks what a batch of all new files would do, of whoever has that many seconds."""
    workers = Workers(4_000, memory=1769, concurrency=1, lookups=RATE)
    submission = read_submission({"prefix": "recommender/", "only_new": True})
    return DryRun(world.storage, models, workers).describe(submission, Deadline.after(seconds))


def test_time_to_look_at_all(tmp_path: Path) -> None:
    """Files that are not new cost a look each; where there is time for all, nothing is said of that."""
    world = BatchWorld(tmp_path)
    for number in range(5):
        world.inputs.drop(f"recommender/{number}.csv", b"user_id\n15\n")
    for number in range(4):
        found = world.inputs.find(f"recommender/{number}.csv")
        assert found is not None
        world.uploads.process(Upload(found.key, found.version, found.etag), Deadline.after(60))
    told = plan(world, 60)
    assert (1, ["recommender/4.csv"]) == (told["files"], [file["key"] for file in told["listed"]])
    assert "looked_at" not in told
    assert (1, 0) == (plan(world, -1)["looked_at"], plan(world, -1)["files"])


def test_no_time_to_look_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the time goes into finding files; the answer tells of how many keys that was."""
    world, clock = BatchWorld(tmp_path), Clock()
    found = world.inputs.drop("recommender/a.csv", b"user_id\n15\n")
    monkeypatch.setattr(time, "monotonic", clock)

    def find(*_: object) -> Iterator[StoredObject | None]:
        for number in range(10_000):
            clock.advance(0.0625)
            yield found if number % 16 == 0 else None

    monkeypatch.setattr(dry_run, "find_files", find)
    told = plan(world, 20)
    assert (160, 10) == (told["looked_at"], told["files"])
    assert 10 == len(told["listed"])


def test_no_time_to_open_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no other file tells more, bytes and chunks of a file that was only found are told by its size."""
    world, clock = BatchWorld(tmp_path), Clock()
    refused = world.inputs.drop("nothing/a.csv", b"x\n1\n")
    found = world.inputs.drop("recommender/a.csv", b"user_id\n" + b"15\n" * 3_000)
    monkeypatch.setattr(time, "monotonic", clock)

    def find(*_: object) -> Iterator[StoredObject | None]:
        yield from (refused, found)
        clock.advance(17)

    monkeypatch.setattr(dry_run, "find_files", find)
    told = plan(world, 20)
    assert (1, 9_008, 3) == (told["files"], told["bytes"], told["chunks"])
    assert ([], ["nothing/a.csv"]) == (told["listed"], [file["key"] for file in told["refused"]])


def test_no_time_to_open_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that there is no time to open are expected to be like those that were."""
    world, clock = BatchWorld(tmp_path), Clock()
    files = [world.inputs.drop(f"recommender/{name}.csv", b"user_id\n15\n") for name in "abcdefgh"]
    monkeypatch.setattr(time, "monotonic", clock)
    find = world.inputs.find

    def slow(key: str, version: str | None = None) -> StoredObject | None:
        clock.advance(4)
        return find(key, version)

    monkeypatch.setattr(world.inputs, "find", slow)
    monkeypatch.setattr(dry_run, "find_files", lambda *_: files)
    told = plan(world, 20)
    assert (8, 4) == (told["files"], len(told["listed"]))
    assert 8 * len(b"user_id\n15\n") == told["bytes"]
