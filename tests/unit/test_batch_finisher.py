"""Files end with an output and a manifest, or with a manifest that says why not."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pytest
from arro3.core import RecordBatchReader
from arro3.io import read_ipc, read_parquet
from triptych.aws.objects import StoredObject
from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.file import Chunk, FileOutcome, Join, decode
from triptych.batches.keys import work_list_key
from triptych.batches.plan import Planned
from triptych.clock import Deadline
from triptych.inference.piece import Counts

from tests.support.batch_world import BatchWorld

HEAD = b"island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n"
ROWS = [b"Torgersen,39.1,18.7,181,%d,male,2007\n" % (3000 + number) for number in range(40)]
BAD = b"Dream,tall,18.7,181,3750,male,2007\n"
BODY = HEAD + b"".join(ROWS[:20]) + BAD + b"".join(ROWS[20:])
type Reader = Callable[[io.BytesIO], RecordBatchReader]
WISHES = {"outputs": "species", "join": "body_mass_g"}


@pytest.fixture
def world(tmp_path: Path) -> BatchWorld:
    """Returns an empty world."""
    return BatchWorld(tmp_path)


def ended(world: BatchWorld, key: str, body: bytes, size: int, **wishes: str) -> FileOutcome:
    """Drops a file and transforms it in chunks of a size."""
    batch, file = world.dropped(key, body, wishes)
    chunks = world.chunks(batch, file, size)
    for chunk in chunks:
        world.transform(batch, chunk)
    return world.finisher.finish(batch, Join(file, chunks[0].start, chunks[-1].end))


def manifest(world: BatchWorld, key: str) -> dict[str, object]:
    """Reads the manifest of a file."""
    read: dict[str, object] = orjson.loads(world.outputs.get(f"{key}.manifest.json") or b"null")
    return read


@pytest.mark.parametrize("size", [1, 300, 10**6])
def test_output_does_not_depend_on_chunks(world: BatchWorld, size: int) -> None:
    """Whatever the size of chunks, there is the same output, the same errors and the same counts."""
    outcome = ended(world, "penguins/a.csv", BODY, size, **WISHES)
    rows = (world.outputs.get("penguins/a.csv.out") or b"").splitlines()
    assert b"body_mass_g,species" == rows[0]
    assert list(range(3000, 3040)) == [int(row.split(b",")[0]) for row in rows[1:]]
    (error,) = (world.outputs.get("penguins/a.csv.errors.jsonl") or b"").splitlines()
    assert 21 == orjson.loads(error)["record"]
    assert Counts(41, 40, 1) == outcome.counts
    told = manifest(world, "penguins/a.csv")
    assert ("succeeded_with_errors", {"read": 41, "written": 40, "failed": 1}) == (
        told["status"],
        told["records"],
    )


def both(world: BatchWorld, **wishes: str) -> tuple[bytes, bytes]:
    """Returns the output of a file in one chunk, and in many."""
    ended(world, "penguins/one.csv", BODY, 10**6, **wishes)
    ended(world, "penguins/many.csv", BODY, 100, **wishes)
    one, many = (world.outputs.get(f"penguins/{name}.csv.out") for name in ("one", "many"))
    assert one
    assert many
    return one, many


def test_joined_lines(world: BatchWorld) -> None:
    """JSON Lines of many chunks are those of one."""
    one, many = both(world, outputs="species", join="body_mass_g", format="jsonl")
    assert one == many
    assert {"body_mass_g": "3000", "species": "Adelie"} == orjson.loads(one.splitlines()[0])


def test_joined_arrays(world: BatchWorld) -> None:
    """An array of many chunks is that of one, but for how ONNX Runtime rounds in batches of other sizes."""
    one, many = (np.load(io.BytesIO(body)) for body in both(world, outputs="probabilities", format="npy"))
    assert (40, 3) == one.shape
    np.testing.assert_allclose(one, many, rtol=1e-5)


@pytest.mark.parametrize(("form", "read"), [("parquet", read_parquet), ("arrow", read_ipc)])
def test_joined_tables(world: BatchWorld, form: str, read: Reader) -> None:
    """A table of many chunks has the rows of one, in their order."""
    one, many = (
        [
            row
            for batch in read(io.BytesIO(body))
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        ]
        for body in both(world, outputs="species", join="body_mass_g", format=form)
    )
    assert [(str(mass), "Adelie") for mass in range(3000, 3040)] == one == many


def test_manifest_comes_last(world: BatchWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a step breaks there is no manifest, and to finish again gives what it should have been."""
    batch, file = world.dropped("penguins/a.csv", BODY, WISHES)
    (chunk,) = world.chunks(batch, file, 10**6)
    world.transform(batch, chunk)
    join = Join(file, chunk.start, chunk.end)
    with monkeypatch.context() as broken:
        broken.setattr(world.outputs, "put", _break)
        with pytest.raises(ConnectionError):
            world.finisher.finish(batch, join)
    assert ["penguins/a.csv.errors.jsonl", "penguins/a.csv.out"] == world.outputs.keys
    first = world.finisher.finish(batch, join)
    assert first == world.finisher.finish(batch, join)
    assert [first] == list(world.store.outcomes(batch.id))


@pytest.mark.parametrize("broken", ["join", "create", "put"])
def test_second_upload_that_breaks(world: BatchWorld, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Where a second upload of a key breaks before its manifest, that of the first is not there any more."""
    ended(world, "penguins/a.csv", BODY, 10**6, **WISHES)
    first = world.outputs.get("penguins/a.csv.out")
    batch, file = world.dropped("penguins/a.csv", HEAD + ROWS[3] + BAD, WISHES)
    (chunk,) = world.chunks(batch, file, 10**6)
    world.transform(batch, chunk)
    join = Join(file, chunk.start, chunk.end)
    with monkeypatch.context() as breaking:
        breaking.setattr(world.outputs, broken, _break)
        with pytest.raises(ConnectionError):
            world.finisher.finish(batch, join)
    assert manifest(world, "penguins/a.csv") is None
    assert (broken == "join") == (first == world.outputs.get("penguins/a.csv.out"))
    assert Counts(2, 1, 1) == world.finisher.finish(batch, join).counts
    assert {"read": 2, "written": 1, "failed": 1} == manifest(world, "penguins/a.csv")["records"]


@pytest.mark.parametrize(
    ("body", "tolerance", "message"),
    [
        (BODY, "0.02", "1 of 41 records failed, 2.44%; tolerated are 2.00%"),
        (HEAD + BAD, "1", "all 1 records failed; the first reasons are in the file of errors"),
    ],
)
def test_too_many_bad_records(world: BatchWorld, body: bytes, tolerance: str, message: str) -> None:
    """A file with more bad records than are tolerated has failed: no output, but all errors."""
    outcome = ended(world, "penguins/a.csv", body, 10**6, tolerance=tolerance)
    assert outcome.error is not None
    assert message == outcome.error.message
    assert ["penguins/a.csv.errors.jsonl", "penguins/a.csv.manifest.json"] == world.outputs.keys


def test_replaced_file(world: BatchWorld) -> None:
    """Predictions of an upload never take the place of a newer one's."""
    batch, file = world.dropped("penguins/a.csv", BODY)
    (chunk,) = world.chunks(batch, file, 10**6)
    world.transform(batch, chunk)
    ended(world, "penguins/a.csv", HEAD + ROWS[0], 10**6)
    before = world.outputs.get("penguins/a.csv.out")
    outcome = world.finisher.finish(batch, Join(file, chunk.start, chunk.end))
    assert outcome.error is not None
    assert "replaced by a newer upload" in outcome.error.message
    assert before == world.outputs.get("penguins/a.csv.out")
    assert {"read": 1, "written": 1, "failed": 0} == manifest(world, "penguins/a.csv")["records"]


def test_plan(world: BatchWorld) -> None:
    """A plan lists all chunks and what is to be joined; a wrong file has ended by then, with its reason."""
    world.inputs.drop("penguins/large.csv", BODY)
    world.inputs.drop("penguins/small.csv", HEAD + ROWS[0])
    world.inputs.drop("penguins/wrong.txt", BODY)
    source = BatchSource(
        ("penguins/large.csv", "penguins/small.csv", "penguins/wrong.txt", "penguins/gone.csv")
    )
    batch, _ = world.dropped("penguins/x.csv", BODY)
    batch = batch._replace(source=source, status=Status.PLANNING)
    planned = world.planner.plan(batch, Deadline.after(60))
    chunks = [
        decode(Chunk, entry)
        for entry in orjson.loads(world.work.get(work_list_key(batch.id, "chunks")) or b"")
    ]
    joins = [
        decode(Join, entry) for entry in orjson.loads(world.work.get(work_list_key(batch.id, "joins")) or b"")
    ]
    assert Planned(files=4, chunks=len(chunks), left=len(chunks), joins=1) == planned
    assert {"penguins/large.csv", "penguins/small.csv"} == {chunk.file.key for chunk in chunks}
    assert ["penguins/large.csv"] == [join.file.key for join in joins]
    wrong, gone = world.store.outcomes(batch.id)
    assert wrong.error is not None
    assert gone.error is not None
    assert "its name must end in" in wrong.error.message
    assert "there is no file 'penguins/gone.csv'" == gone.error.message
    assert "failed" == manifest(world, "penguins/wrong.txt")["status"]
    _run(world, batch, chunks)
    assert 1 == world.finisher.finish(batch, joins[0]).counts.failed


def _run(world: BatchWorld, batch: Batch, chunks: list[Chunk]) -> None:
    for chunk in chunks:
        world.transform(batch, chunk)


def _break(*_: object, **__: object) -> StoredObject:
    raise ConnectionError
