"""A batch goes through the steps of the state machine, as often as each is told."""

from collections.abc import Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

import orjson
import pytest
from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.transitions import handed_over
from triptych.clock import Deadline
from triptych.errors import BadRequest
from triptych.inference.piece import Counts
from triptych.rows.options import BatchOptions

from tests.support.batch_world import BatchWorld

HEAD = b"island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n"
ROWS = [b"Torgersen,39.1,18.7,181,%d,male,2007\n" % (3000 + number) for number in range(12)]
WISHES = {"outputs": "species", "join": "body_mass_g"}
TIMES = pytest.mark.parametrize("times", [1, 2])


class Machine:
    """The state machine, which tells every step as often as wanted.

    Args:
        directory: Where the buckets are.
        times: How often each step is told.
    """

    def __init__(self, directory: Path, times: int) -> None:
        self.world = BatchWorld(directory)
        self.times = times
        self.steps = self.world.machine

    def begun(self, **files: bytes) -> Batch:
        """Drops files, and hands their batch over."""
        keys = tuple(f"penguins/{name}.csv" for name in files)
        for key, body in zip(keys, files.values(), strict=True):
            self.world.inputs.drop(key, body, WISHES)
        batch = Batch("b", None, None, BatchSource(keys), BatchOptions(), created=1)
        batch = handed_over(batch, 2)
        self.world.store.add(batch)
        return batch

    def told(self, step: str, message: Mapping[str, Any]) -> dict[str, Any]:
        """Tells one step."""
        answer: dict[str, Any] = {}
        for _ in range(self.times):
            travelled = orjson.loads(orjson.dumps({**message, "step": step}))
            answer = self.steps.run(travelled, Deadline.after(60))
        return answer

    def chunk(self, batch: Batch, chunk: Mapping[str, Any]) -> None:
        """Does a chunk to its end."""
        answer: Mapping[str, Any] = {"batch": batch.id, "chunk": chunk, "done": False}
        while not answer["done"]:
            answer = self.told("chunk", answer)

    def listed(self, where: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Reads a list of the plan."""
        read: list[dict[str, Any]] = orjson.loads(self.world.work.get(where["key"]) or b"")
        assert len(read) == where["count"]
        return read

    def end(self, batch: Batch) -> Batch:
        """Gives the batch as it is now."""
        return self.world.store.batches[batch.id]


@TIMES
def test_files_of_a_batch(tmp_path: Path, times: int) -> None:
    """Small, large and wrong files of a batch each end as they should, and all is told once."""
    machine = Machine(tmp_path, times)
    batch = machine.begun(small=HEAD + ROWS[0], large=HEAD + b"".join(ROWS), wrong=b"a,b\n1,2\n")
    planned = machine.told("plan", {"batch": batch.id})
    for chunk in machine.listed(planned["chunks"]):
        machine.chunk(batch, chunk)
    for join in machine.listed(planned["joins"]):
        assert {} == machine.told("merge", {"batch": batch.id, "join": join})
    assert {} == machine.told("merge", {"batch": batch.id, "finish": True})
    ended = machine.end(batch)
    assert (Status.SUCCEEDED_WITH_ERRORS, 3, 1, Counts(13, 13, 0)) == (
        ended.status,
        ended.files,
        ended.failed_files,
        ended.counts,
    )
    rows = (machine.world.outputs.get("penguins/large.csv.out") or b"").splitlines()[1:]
    assert list(range(3000, 3012)) == [int(row.split(b",")[0]) for row in rows]
    assert 1 == len(machine.world.told)


def test_order_of_chunks(tmp_path: Path) -> None:
    """In whatever order chunks are done, the output is the same."""
    outputs = set[bytes]()
    for number, order in enumerate(permutations(range(3))):
        machine = Machine(tmp_path / str(number), 1)
        batch = machine.begun(a=HEAD + b"".join(ROWS[:8]))
        planned = machine.told("plan", {"batch": batch.id})
        chunks = machine.listed(planned["chunks"])
        for position in order:
            machine.chunk(batch, chunks[position])
        for join in machine.listed(planned["joins"]):
            machine.told("merge", {"batch": batch.id, "join": join})
        outputs.add(machine.world.outputs.get("penguins/a.csv.out") or b"")
    (output,) = outputs
    assert 9 == output.count(b"\n")


@TIMES
def test_machine_that_gives_up(tmp_path: Path, times: int) -> None:
    """A batch that the state machine gives up has failed for a reason that a person understands."""
    machine = Machine(tmp_path, times)
    batch = machine.begun(a=HEAD)
    failure = {"Error": "Sandbox.Timedout", "Cause": "RequestId: 1"}
    machine.told("merge", {"batch": batch.id, "failure": failure})
    ended = machine.end(batch)
    assert ended.error is not None
    assert (Status.FAILED, True) == (ended.status, ended.error.retryable)
    assert "a function ran out of time; redrive the batch" in ended.error.message


def test_message_without_batch(tmp_path: Path) -> None:
    """A message that names no batch is refused."""
    with pytest.raises(BadRequest, match="names no batch"):
        Machine(tmp_path, 1).told("plan", {})


def test_message_without_step(tmp_path: Path) -> None:
    """A message that names no step, or none that there is, is refused."""
    machine = Machine(tmp_path, 1)
    for step in (None, "", "finish"):
        with pytest.raises(BadRequest, match="step: expected one of plan, chunk, merge"):
            machine.steps.run({"step": step, "batch": "b"}, Deadline.after(60))
