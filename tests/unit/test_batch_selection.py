"""Which files a batch is for."""

from __future__ import annotations

from pathlib import Path

import pytest
from triptych.aws.objects import StoredObject
from triptych.batches.batch import BatchSource, Status
from triptych.batches.find import find_files
from triptych.batches.submission import shortened
from triptych.clock import Deadline
from triptych.errors import BadRequest, ServiceUnavailable

from tests.support.batch_world import BatchWorld
from tests.unit.test_batch_uploads import BODY, HEAD, dropped, taken

NEW = BatchSource(prefix="penguins/", only_new=True)


@pytest.fixture
def world(tmp_path: Path) -> BatchWorld:
    """Gives an empty world."""
    return BatchWorld(tmp_path)


def keys(world: BatchWorld, source: BatchSource) -> list[str]:
    """Gives the keys of the files that are found."""
    found = find_files(world.storage, source)
    return [file if isinstance(file, str) else file.key for file in found if file is not None]


def test_many_listed_keys(world: BatchWorld) -> None:
    """A long list is read from the bucket for work; once that is deleted, the batch says so."""
    listed = tuple(f"penguins/{number:0100}.csv" for number in range(100))
    source = shortened(world.work, BatchSource(listed))
    assert listed == tuple(keys(world, source))
    assert len(source.keys) < 25
    assert source == shortened(world.work, BatchSource(listed))
    assert source != shortened(world.work, BatchSource(listed[::-1]))
    assert BatchSource(listed[:2]) == shortened(world.work, BatchSource(listed[:2]))
    assert source.listed is not None
    world.work.delete(source.listed.object)
    with pytest.raises(BadRequest, match="submit the batch again"):
        keys(world, source)


def test_listed_keys(world: BatchWorld) -> None:
    """Listed keys keep their order, and one that is not there is told as such."""
    world.inputs.drop("penguins/b.csv", BODY)
    world.inputs.drop("penguins/a.csv", BODY, {"join": "all"})
    source = BatchSource(keys=("penguins/b.csv", "penguins/no.csv", "penguins/a.csv"))
    first, missing, last = find_files(world.storage, source)
    assert "penguins/no.csv" == missing
    assert (("penguins/b.csv", {}), ("penguins/a.csv", {"join": "all"})) == tuple(
        (file.key, file.metadata) for file in (first, last) if isinstance(file, StoredObject)
    )


def test_prefix(world: BatchWorld) -> None:
    """All files below a prefix are found in the order of their keys, and no folders."""
    for key in ("penguins/b.csv", "penguins/a/", "penguins/c_$folder$", "penguins/a/x.csv", "digits/c.npy"):
        world.inputs.drop(key, b"")
    assert ["penguins/a/x.csv", "penguins/b.csv"] == keys(world, BatchSource(prefix="penguins/"))


def test_only_new(world: BatchWorld) -> None:
    """What was transformed, or refused for good, is left out until it changes."""
    for key, body in (("penguins/a.csv", BODY), ("penguins/b.csv", b"x\n1\n"), ("penguins/c.txt", b"")):
        taken(world, dropped(world, key, body))
    assert [] == keys(world, NEW)
    world.inputs.drop("penguins/a.csv", HEAD)
    world.inputs.drop("penguins/d.csv", BODY)
    assert ["penguins/a.csv", "penguins/d.csv"] == keys(world, NEW)


def test_only_new_after_a_failure_that_may_pass(world: BatchWorld) -> None:
    """A file that failed for a reason that may be gone is new."""
    batch, file = world.dropped("penguins/a.csv", BODY)
    world.finisher.refuse_file(batch, file, ServiceUnavailable("no table"))
    assert ["penguins/a.csv"] == keys(world, NEW)


def test_no_time_to_find_files(world: BatchWorld) -> None:
    """A batch whose files cannot all be found in the time there is has failed, and says what to do."""
    taken(world, dropped(world, "penguins/a.csv", BODY))  # no longer new: there is nothing to plan
    batch = world.service.schedule("penguins/", "2026-01-01T02:00:00Z")
    world.machine.plan({"batch": batch.id}, Deadline.after(-1))
    ended = world.store.batches[batch.id]
    assert ended.error is not None
    assert (Status.FAILED, "there was no time left to find all files; make the prefix longer") == (
        ended.status,
        ended.error.message,
    )


def test_a_plan_is_made_once(world: BatchWorld) -> None:
    """A file that comes or goes later does not move the numbers of the others, and none is done twice."""
    for name in "bd":
        world.inputs.drop(f"penguins/{name}.csv", HEAD)
    batch = world.service.schedule("penguins/", "2026-01-01T02:00:00Z")
    first = world.machine.plan({"batch": batch.id}, Deadline.after(60))
    (chunk, *_) = world.listed(first)
    world.machine.chunk({"batch": batch.id, "chunk": chunk}, Deadline.after(60))
    world.inputs.drop("penguins/a.csv", BODY)
    world.inputs.delete("penguins/d.csv")
    again = world.machine.plan({"batch": batch.id}, Deadline.after(60))
    left = world.listed(again)
    assert (2, 1) == (world.store.batches[batch.id].files, len(left))
    assert ("penguins/d.csv", 1) == (left[0]["file"]["key"], left[0]["file"]["number"])
