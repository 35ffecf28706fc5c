"""Whatever the number of files in a batch, each of them costs the same reads of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.file import FileOutcome, Part
from triptych.batches.transitions import handed_over
from triptych.clock import Deadline
from triptych.inference.piece import Counts
from triptych.rows.options import BatchOptions

from tests.support.batch_fakes import MemoryBatches
from tests.support.batch_world import BatchWorld
from tests.unit.test_batch_uploads import HEAD, ROW

SIZES = (10, 1_000, 10_000)


@dataclass
class CountedBatches(MemoryBatches):
    """Records of batches, and how much of them was read.

    Attributes:
        calls: How many reads were made.
        items: How many items they returned.
    """

    calls: int = 0
    items: int = 0

    def get(self, batch_id: str) -> Batch | None:
        """Counts one record."""
        return self._one(super().get(batch_id))

    def part(self, batch_id: str, file: int, start: int) -> Part | None:
        """Counts one part."""
        return self._one(super().part(batch_id, file, start))

    def outcome(self, batch_id: str, number: int) -> FileOutcome | None:
        """Counts one outcome."""
        return self._one(super().outcome(batch_id, number))

    def parts(self, batch_id: str, file: int | None = None) -> Sequence[Part]:
        """Counts parts."""
        return self._all(super().parts(batch_id, file))

    def outcomes(self, batch_id: str) -> Sequence[FileOutcome]:
        """Counts outcomes."""
        return self._all(super().outcomes(batch_id))

    def _one[T](self, found: T | None) -> T | None:
        self._all([] if found is None else [found])
        return found

    def _all[T](self, found: Sequence[T]) -> Sequence[T]:
        self.calls, self.items = self.calls + 1, self.items + len(found)
        return found


def counted(directory: Path) -> tuple[BatchWorld, CountedBatches]:
    """Makes a world whose reads are counted."""
    store = CountedBatches()
    return BatchWorld(
        directory, lambda outside: store if isinstance(outside, MemoryBatches) else outside
    ), store


def begun(world: BatchWorld, store: CountedBatches, *keys: str) -> Batch:
    """Makes a batch that the state machine has."""
    batch = handed_over(
        Batch("b", None, None, BatchSource(keys), BatchOptions(), world.clock()), world.clock()
    )
    store.batches[batch.id] = batch
    return batch


def told(world: BatchWorld, step: str, **message: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Runs one step of the state machine."""
    answer: dict[str, Any] = getattr(world.machine, step)({"batch": "b", **message}, Deadline.after(60))
    return answer


def reads_of_each_file(directory: Path, others: int) -> dict[str, tuple[int, int]]:
    """Counts calls and items for a small, a large and a lost file beside others that have ended."""
    world, store = counted(directory)
    names = ("small", "large", "lost")
    for name, rows in zip(names, (1, 6, 1), strict=True):
        world.inputs.drop(f"penguins/{name}.csv", HEAD + rows * ROW)
    batch = begun(world, store, *(f"penguins/{name}.csv" for name in names))
    plan = told(world, "plan")
    for number in range(len(names), others):
        key = f"penguins/{number}.csv"
        store.kept_outcomes[batch.id, number] = FileOutcome(number, key, Counts(1, 1), key, None, key)
    reads = dict.fromkeys(names, (0, 0))
    work = [("chunk", {"chunk": chunk}) for chunk in world.listed(plan)]
    work += [("merge", {"join": join}) for join in world.listed(plan, "joins")]
    for step, message in work:
        (described,) = message.values()
        name = names[described["file"]["number"]]
        store.calls = store.items = 0
        if name == "lost":
            told(world, "merge", **message, failure={"Error": "Runtime.ExitError", "Cause": ""})
        else:
            told(world, step, **message)
        reads[name] = reads[name][0] + store.calls, reads[name][1] + store.items
    assert set(range(len(names))) <= {number for _, number in store.kept_outcomes}
    return reads


def test_each_file(tmp_path: Path) -> None:
    """A file of ten, of a thousand and of ten thousand is transformed with the same few reads."""
    first, *others = (reads_of_each_file(tmp_path / str(size), size) for size in SIZES)
    assert [first, first] == others
    assert all(0 < items <= calls <= 30 for calls, items in first.values())


@pytest.mark.parametrize("size", [10, 1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_whole_batch(tmp_path: Path, size: int) -> None:
    """All reads from the plan to the end grow with the number of files, and no faster."""
    world, store = counted(tmp_path)
    begun(world, store, *(f"penguins/{number}.csv" for number in range(size)))  # none of them is there
    told(world, "plan")
    told(world, "merge", finish=True)
    assert (Status.FAILED, size) == (store.batches["b"].status, store.batches["b"].failed_files)
    assert store.calls <= 3 * size + 10
    assert store.items <= 3 * size + 10
