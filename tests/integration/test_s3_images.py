"""Images that records name, in buckets of S3."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from triptych.batches.images import images_named
from triptych.batches.store import BatchStorage
from triptych.errors import BadRows, ServiceUnavailable

from tests.integration.bucket_world import INPUTS, WORK, BucketWorld
from tests.integration.outages import NO_ANSWER, refusing
from tests.support.batch_fakes import MemoryBatches, MemoryPredictions


@pytest.fixture
def storage(aws: None, tmp_path: Path) -> BatchStorage:  # noqa: ARG001 - it is created there
    """Two buckets, of which one is for further images."""
    world = BucketWorld(tmp_path)
    world.inputs.put("m/ä b.png", b"one", "image/png")
    world.work.put("c/d.png", b"two", "image/png")
    return BatchStorage(
        MemoryBatches(), world.inputs, world.inputs, world.work, MemoryPredictions(), {WORK: world.work}
    )


def read(storage: BatchStorage, *cells: str | bytes) -> list[object]:
    """Reads images."""
    values = np.empty(len(cells), dtype=object)
    values[:] = cells
    return list(images_named(storage, values))


def test_read(storage: BatchStorage) -> None:
    """Images come in their order, whatever names them; what is an image already stays."""
    cells = (b"held", "m/ä b.png", f"s3://{WORK}/c/d.png", "iVBORw0KGgoAAAA", f"s3://{INPUTS}/m/ä b.png")
    assert [b"held", b"one", b"two", "iVBORw0KGgoAAAA", b"one"] == read(storage, *cells)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("m/none.png", "there is no image 'm/none.png'"),
        ("../m/ä b.png", "there is no image"),
        ("a text of no sense \x00 at all", "there is no image"),
        (f"s3://{WORK}/", "there is no image"),
        ("s3://elsewhere/d.png", "BatchImageBuckets"),
        ("x" * 1025, "expected an image, its key or URI, got 'xxxx"),
    ],
)
def test_not_there(storage: BatchStorage, cell: str, reason: str) -> None:
    """What is not there, or nobody can have meant, is a failed record; the others are not affected."""
    with pytest.raises(BadRows) as error:
        read(storage, "m/ä b.png", cell)
    assert [2] == list(error.value.reasons)
    assert reason in error.value.reasons[2]


def test_outage(storage: BatchStorage) -> None:
    """An outage is no failed record: the chunk is tried again."""
    with refusing("GetObject", NO_ANSWER), pytest.raises(ServiceUnavailable):
        read(storage, "m/ä b.png")
