"""Images in jobs and in files: bodies, cells of bytes, and what Hugging Face's data sets hold."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import Any

import numpy as np
import orjson
import pytest
from arro3.core import Array, DataType, Table, struct_array
from arro3.io import write_parquet
from PIL import Image
from triptych.clock import Deadline
from triptych.errors import PayloadTooLarge
from triptych.inference.adaptive_batching import AdaptiveBatcher
from triptych.jobs.job import JobRequest
from triptych.jobs.runner import prepare
from triptych.models.config import ModelConfig, SessionSettings
from triptych.models.model import Model, VersionFiles
from triptych.protocol.compression import PLAIN_LIMIT
from triptych.rows.formats import Format, RowFormat
from triptych.tasks.open import open_session

from tests.support.image_exports import COLOURS, CONFIG, PROCESSOR, add_export, classifier
from tests.support.images import filed
from tests.support.local_files import transformed
from tests.support.pieces import Wanted, made

IMAGE = JobRequest(content_type="image/png")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A classifier of colours."""
    models = tmp_path_factory.mktemp("models")
    add_export(models, "colours", classifier(), config=CONFIG, preprocessor_config=PROCESSOR)
    files = VersionFiles("colours", 1, models / "colours/1")
    return Model("colours", 1, ModelConfig(), open_session(files, ModelConfig(), SessionSettings()))


def plain(colour: str) -> bytes:
    """Returns the file of an image of one colour; that of `green` has the level of HTML's lime."""
    return filed(Image.new("RGB", (6, 5), "lime" if colour == "green" else colour))


def test_jobs(model: Model) -> None:
    """Images of several jobs run together, and each has its own answer."""
    requests = [prepare(model, IMAGE, plain(colour)) for colour in COLOURS]
    batcher = AdaptiveBatcher(lambda _: pytest.fail("refused"))
    batched = batcher.run_batched(model, requests, Deadline.after(60))
    assert [len(COLOURS)] == [run.requests for run in batched.runs]
    for request, colour, outcome in zip(requests, COLOURS, batched.outcomes, strict=True):
        assert isinstance(outcome, dict), outcome
        answer = request.answer(outcome)
        assert "application/json" == answer.content_type
        assert colour == orjson.loads(answer.body)["predictions"][0]["label"]


def test_large_jobs(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job of a large image goes by way of files, and has the same answer."""
    answer = transformed(model, plain("blue"), IMAGE)
    assert "blue" == orjson.loads(answer.body)["predictions"][0]["label"]
    monkeypatch.setattr(PLAIN_LIMIT, "bytes", 10)
    with pytest.raises(PayloadTooLarge, match="as an image; send a smaller one"):
        transformed(model, plain("blue"), IMAGE)


def tables() -> dict[str, Any]:
    """Returns columns of images as files of tables hold them."""
    files = [plain(colour) for colour in COLOURS]
    binary = Array(files, DataType.binary())
    names = Array(list(COLOURS), DataType.utf8())
    fields = [binary.field.with_name("bytes"), names.field.with_name("path")]
    return {
        "bytes": binary,
        "base64": Array([b64encode(file).decode() for file in files], DataType.utf8()),
        "data set": struct_array([binary, names], fields=fields),
    }


@pytest.mark.parametrize("kind", ["bytes", "base64", "data set"])
def test_parquet(model: Model, kind: str) -> None:
    """Parquet holds images as bytes, as base64, or as Hugging Face's data sets do."""
    file = io.BytesIO()
    write_parquet(Table.from_pydict({"id": np.arange(3), "image": tables()[kind]}), file)
    wanted = Wanted(RowFormat(Format.JSON_LINES), join="id", outputs="label")
    done = made(model, file.getvalue(), RowFormat(Format.PARQUET), wanted, cuts=[0, 3])
    assert not done.errors
    rows = [orjson.loads(line) for line in done.output.splitlines()]
    assert list(enumerate(COLOURS)) == [(row["id"], row["label"]) for row in rows]


def test_bad_records(model: Model) -> None:
    """Records that are no images are set apart, wherever they stand."""
    cells = [b64encode(plain("red")).decode(), "no image", None, b64encode(plain("blue")).decode()] * 20
    content = b"".join(orjson.dumps({"image": cell}) + b"\n" for cell in cells)
    wanted = Wanted(RowFormat(Format.JSON_LINES), outputs="label")
    done = made(model, content, RowFormat(Format.JSON_LINES), wanted)
    assert ["red", "blue"] * 20 == [orjson.loads(line)["label"] for line in done.output.splitlines()]
    assert [number for number in range(1, 81) if number % 4 in {2, 3}] == [
        error["record"] for error in done.errors
    ]
