"""Chunks become parts, whoever makes them and however often."""

import gzip
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import orjson
import pytest
from triptych.aws.table import Pacer
from triptych.batches import chunk as module
from triptych.batches.batch import Batch
from triptych.batches.chunk import Transformer
from triptych.batches.file import Chunk
from triptych.batches.lookup import LookupRate, Origin
from triptych.batches.store import Cancelled
from triptych.batches.transitions import cancelled
from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded, NotFound
from triptych.inference import file as file_inference
from triptych.inference.piece import Counts, Prediction
from triptych.inference.slices import Sizes

from tests.support.batch_world import FAST, BatchWorld, models
from tests.unit.fakes.clock import Clock

HEAD = b"island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n"
ROWS = [b"Torgersen,39.1,18.7,181,%d,male,2007\n" % (3000 + number) for number in range(40)]
BAD = b"Dream,tall,18.7,181,3750,male,2007\n"
LOOKUP = {"lookup": "true", "key": "user_id"}
BODY = HEAD + b"".join(ROWS[:20]) + BAD + b"".join(ROWS[20:])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BatchWorld]:
    """Gives an empty world, and sees that nothing stays half written."""
    world = BatchWorld(tmp_path)
    yield world
    assert [] == world.work.unfinished


def together(world: BatchWorld, batch: Batch) -> tuple[bytes, list[int], Counts]:
    """Joins the parts of the only file; errors are those of its parts."""
    parts = world.store.parts(batch.id)
    assert [part.end for part in parts[:-1]] == [part.start for part in parts[1:]]
    output = b"".join(world.work.get(part.output or "") or b"" for part in parts)
    errors = [
        orjson.loads(line)["record"] + sum(before.counts.read for before in parts[:number])
        for number, part in enumerate(parts)
        if part.errors
        for line in (world.work.get(part.errors) or b"").splitlines()
    ]
    return output, errors, sum((part.counts for part in parts), Counts())


@pytest.mark.parametrize("key", ["penguins/a.csv", "penguins/1/a.csv.gz"])
@pytest.mark.parametrize("size", [1, 100, 1000])
def test_parts_of_chunks_are_the_file(world: BatchWorld, key: str, size: int) -> None:
    """However small the chunks are, plain or staged, and in whatever order they are done, nothing changes."""
    body = gzip.compress(BODY) if key.endswith("gz") else BODY
    batch, file = world.dropped(key, body, {"outputs": "species", "join": "body_mass_g"})
    for chunk in reversed(world.chunks(batch, file, size)):
        world.transform(batch, chunk)
    output, errors, counts = together(world, batch)
    assert [int(row.split(b",")[0]) for row in output.splitlines()] == list(range(3000, 3040))
    assert ([21], Counts(41, 40, 1)) == (errors, counts)


def test_duplicates_make_nothing_twice(world: BatchWorld) -> None:
    """A chunk that is handed out again is found done, and a part that comes second is not kept."""
    batch, file = world.dropped("penguins/a.csv", BODY)
    (chunk,) = world.chunks(batch, file, 10**6)
    other = BatchWorld.transform
    world.transform(batch, chunk)
    before = together(world, batch)
    objects = world.work.keys
    other(world, batch, chunk)
    assert before == together(world, batch)
    assert objects == world.work.keys


def test_what_ended_a_process_is_cut(world: BatchWorld) -> None:
    """A chunk whose first attempts ended without a word is done in smaller parts, with the same result."""
    batch, file = world.dropped("penguins/a.csv", BODY)
    (chunk,) = world.chunks(batch, file, 10**6)
    for _ in range(2):
        world.store.count_attempt(batch.id, 0, chunk.start)
    rest = world.transformer.run(batch, chunk, Deadline.after(60))
    assert rest is not None
    assert chunk.start < rest.start < chunk.end
    world.transform(batch, chunk)
    assert Counts(41, 40, 1) == together(world, batch)[2]


def test_what_ended_a_process_is_cut_though_it_is_small(world: BatchWorld) -> None:
    """A chunk that is read in one go at first is read in smaller ones, so that it can be cut at all."""
    batch, file = world.dropped("penguins/a.csv", BODY)
    (chunk,) = world.chunks(batch, file, 10**6)
    world.store.count_attempt(batch.id, 0, chunk.start)
    whole = Sizes(block=len(BODY))
    transformer = Transformer(world.storage, models, world.observer, FAST, whole)
    rest = transformer.run(batch, chunk, Deadline.after(60))
    assert rest is not None
    assert chunk.start < rest.start < chunk.end


def test_time_that_is_up(world: BatchWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where time is up the part that is done is kept, and the rest is given back."""
    monkeypatch.setattr(file_inference, "_RESERVE", 10**9)
    batch, file = world.dropped("penguins/a.csv", BODY)
    (chunk,) = world.chunks(batch, file, 10**6)
    rest = world.transformer.run(batch, chunk, Deadline.after(60))
    assert rest is not None
    assert (chunk.start < rest.start, chunk.end) == (True, rest.end)
    world.transform(batch, rest)
    output, errors, counts = together(world, batch)
    assert (40, [21], Counts(41, 40, 1)) == (output.count(b"\n"), errors, counts)


def test_slow_lookups(world: BatchWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the share of the writes is small, each call cancels in time, and the next one goes on there."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    monkeypatch.setattr(module, "Pacer", partial(Pacer, sleep=clock.advance, clock=clock))
    monkeypatch.setattr(module, "_LOOKUP_SECONDS", 3.0)
    rate = LookupRate(4, uploads=2, chunks=1)  # one a second
    transformer = Transformer(world.storage, models, world.observer, rate)
    rows = [row.replace(b"Torgersen", b"Torgersen%d" % number) for number, row in enumerate(ROWS)]
    batch, file = world.dropped("penguins/a.csv", HEAD + b"".join(rows), {"lookup": "true", "key": "island"})
    (chunk,) = world.chunks(batch, file, 10**6)
    rest: Chunk | None = chunk
    calls = 0
    while rest is not None:
        deadline = Deadline.after(15)
        rest = transformer.run(batch, rest, deadline)
        assert clock.now < deadline.at
        calls += 1
    assert 3 <= calls <= 5
    assert len(rows) == len(world.predictions.kept)
    assert Counts(40, 40, 0) == together(world, batch)[2]


def test_lookups_that_are_stopped_within_a_block(world: BatchWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block whose lookups cannot be written in time is left to the next call; those before it are kept."""
    batch, file = world.dropped("recommender/users.csv", b"user_id\n1\n2\n3\n", LOOKUP)
    (chunk,) = world.chunks(batch, file, 10**6)
    transformer = Transformer(world.storage, models, world.observer, FAST, Sizes(block=2))
    put = world.predictions.put

    def late(predictions: Sequence[Prediction], made: Origin, pacer: Pacer) -> None:
        if predictions[0].key == "2":
            raise DeadlineExceeded("too late")
        put(predictions, made, pacer)

    with monkeypatch.context() as patch:
        patch.setattr(world.predictions, "put", late)
        rest = transformer.run(batch, chunk, Deadline.after(60))
        assert chunk._replace(start=chunk.start + 2) == rest
        with pytest.raises(DeadlineExceeded, match="too late"):
            transformer.run(batch, rest, Deadline.after(60))
    world.transform(batch, rest)
    assert {"1", "2", "3"} == {key for _, key in world.predictions.kept}
    assert Counts(3, 3, 0) == together(world, batch)[2]


def test_cancel(world: BatchWorld) -> None:
    """A batch that was cancelled is not gone on with."""
    batch, file = world.dropped("penguins/a.csv", BODY)
    (chunk,) = world.chunks(batch, file, 10**6)
    world.store.replace(cancelled(batch, 1))
    with pytest.raises(Cancelled, match="was cancelled"):
        world.transform(batch, chunk)
    assert [] == world.work.keys


def test_wrong_files(world: BatchWorld) -> None:
    """A file without the model's columns leaves nothing behind, and says why."""
    batch, file = world.dropped("penguins/a.csv", b"a,b\n1,2\n")
    (chunk,) = world.chunks(batch, file, 10**6)
    with pytest.raises(BadRequest, match="missing column 'island'"):
        world.transform(batch, chunk)
    assert ([], []) == (world.work.keys, list(world.store.parts(batch.id)))


def test_predictions_are_kept_by_key(world: BatchWorld) -> None:
    """What can be looked up is kept with its model and batch."""
    batch, file = world.dropped("recommender/users.csv", b"user_id\n1\n2\n", LOOKUP)
    for chunk in world.chunks(batch, file, 10**6):
        world.transform(batch, chunk)
    found = world.predictions.get("recommender", ["1", "3"])
    assert {"1"} == found.keys()
    prediction, made = found["1"]
    assert ({"items", "scores"}, batch.id) == (set(prediction.row), made.batch)


def test_files_of_unknown_models(world: BatchWorld) -> None:
    """A key whose model is not there is refused."""
    with pytest.raises(NotFound, match="unknown model 'nothing'"):
        world.dropped("nothing/a.csv", BODY)


def test_a_key_that_no_record_has(world: BatchWorld) -> None:
    """A file without the column of the key is wrong as a whole: not each of its records."""
    batch, file = world.dropped("penguins/a.csv", BODY, {"lookup": "true", "key": "name"})
    (chunk,) = world.chunks(batch, file, 10**6)
    with pytest.raises(BadRequest, match="the column 'name', which is the key, is missing"):
        world.transform(batch, chunk)
