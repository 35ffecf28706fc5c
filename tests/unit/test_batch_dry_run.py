"""What a dry run tells of a batch with lookups, beside what the batch then takes."""

import time
from functools import partial
from pathlib import Path

import pytest
from triptych.batch import transformer as module
from triptych.batch.dry_run import DryRun, Workers
from triptych.batch.selection import Selection
from triptych.batch.transformer import Limits, Transformer
from triptych.batches.lookup_rate import LookupRate
from triptych.batches.submission import read_submission
from triptych.interfaces.deadline import Deadline
from triptych.interfaces.pacer import Pacer

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
    dry_run = DryRun(world.inputs, Selection(world.places), models, workers)
    told = dry_run.describe(read_submission({"keys": [file.key]}))

    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    monkeypatch.setattr(module, "Pacer", partial(Pacer, sleep=clock.advance, clock=clock))
    running = batch._replace(execution="one", chunks=len(chunks))
    limits = Limits(RATE)
    transformer = Transformer(world.places, world.store, models, world.observer, limits)
    begun = clock.now
    for chunk in chunks:
        assert transformer.run(running, chunk, Deadline.after(900)) is None

    assert (told["rows"], told["chunks"]) == (len(world.predictions.kept), len(chunks))
    # Four chunks share fifty writes a second; here one is done after the other.
    assert len(chunks) * USERS / 50 == pytest.approx(clock.now - begun, rel=0.02)
    assert clock.now - begun == pytest.approx(told["estimated_seconds"] - START, rel=0.02)
