"""Images in S3: a prefix of them is a batch, one is a file, and records name others."""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from pathlib import Path
from typing import Any, override

import orjson
import pytest
from PIL import Image
from triptych.batches import chunk as chunk_module
from triptych.batches import images as module
from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.chunk import Transformer
from triptych.batches.dry_run import DryRun, Workers
from triptych.batches.estimate import S3_GET, Work, cost_of
from triptych.batches.keys import errors_key, manifest_key, output_key
from triptych.batches.lookup import LookupRate
from triptych.batches.steps import WorkflowSteps
from triptych.batches.store import BatchStorage
from triptych.batches.submission import read_submission
from triptych.batches.transitions import handed_over
from triptych.batches.uploads import Upload
from triptych.clock import Deadline
from triptych.errors import NotFound
from triptych.inference import file as file_module
from triptych.models.config import ModelConfig, SessionSettings
from triptych.models.model import Model, VersionFiles
from triptych.protocol.tensors import Array
from triptych.rows.formats import Format
from triptych.rows.options import BatchOptions
from triptych.tasks.open import open_session

from tests.support.batch_world import FAST, BatchWorld
from tests.support.image_exports import CONFIG, PROCESSOR, add_export, classifier
from tests.support.images import filed

LIST = "colours/may/images"
PREFIX = BatchSource(prefix="colours/may/")


def plain(colour: str) -> bytes:
    """Returns the file of an image of one colour."""
    return filed(Image.new("RGB", (6, 5), colour))


class World(BatchWorld):
    """The world of batches with a model of images."""

    def __init__(self, directory: Path, chunk_bytes: int = 100) -> None:
        super().__init__(directory, block=10_000, chunk_bytes=chunk_bytes)
        models = directory / "models"
        add_export(models, "colours", classifier(), config=CONFIG, preprocessor_config=PROCESSOR)
        files = VersionFiles("colours", 1, models / "colours/1")
        session = open_session(files, ModelConfig(), SessionSettings())
        self._model = Model("colours", 1, ModelConfig(), session)

    @override
    def model(self, name: str, version: int | None) -> Model:
        if (name, version) not in {("colours", None), ("colours", 1)}:
            raise NotFound(f"unknown model {name!r}")
        return self._model

    def run(
        self, source: BatchSource = PREFIX, options: BatchOptions | None = None, name: str = "b"
    ) -> Batch:
        """Takes a batch through the state machine."""
        batch = handed_over(Batch(name, None, None, source, options or BatchOptions(), created=1), 2)
        self.store.add(batch)
        plan = self.machine.run({"step": "plan", "batch": name}, Deadline.after(60))
        for chunk in self.listed(plan):
            answer: dict[str, Any] = {"step": "chunk", "batch": name, "chunk": chunk, "done": False}
            while not answer["done"]:
                answer = self.machine.run(answer, Deadline.after(60))
        for join in self.listed(plan, "joins"):
            self.machine.run({"step": "merge", "batch": name, "join": join}, Deadline.after(60))
        self.machine.run({"step": "merge", "batch": name, "finish": True}, Deadline.after(60))
        return self.store.batches[name]

    def lines(self, key: str) -> list[Any]:
        """Reads an output of JSON Lines."""
        content = self.outputs.get(key)
        assert content is not None
        return list(map(orjson.loads, content.splitlines()))

    def rows(self, key: str) -> list[tuple[str, str]]:
        """Reads keys and labels of an output."""
        return [(row["image"], row["label"]) for row in self.lines(output_key(key))]


def filled(directory: Path, chunk_bytes: int = 100) -> World:
    """Makes a world with four images under a prefix, of which one is none."""
    made = World(directory, chunk_bytes)
    for name, content in {
        "a.png": plain("red"),
        "b.JPG": filed(Image.new("RGB", (9, 9), "blue"), "JPEG"),
        "c.webp": b"no image",
        "deep/d.jpeg": filed(Image.new("RGB", (9, 9), "blue"), "JPEG"),
        "folder/": b"",
    }.items():
        made.inputs.drop(f"colours/may/{name}", content)
    return made


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world with four images."""
    return filled(tmp_path)


EXPECTED = [
    ("colours/may/a.png", "red"),
    ("colours/may/b.JPG", "blue"),
    ("colours/may/deep/d.jpeg", "blue"),
]


@pytest.mark.parametrize(("chunk_bytes", "chunks"), [(1, 4), (800, 2), (10**6, 1)])
def test_prefix(tmp_path: Path, chunk_bytes: int, chunks: int) -> None:
    """The images under a prefix are one table, cut by their bytes; a bad one is a failed record."""
    world = filled(tmp_path, chunk_bytes)
    batch = world.run()
    assert (4, 3, 1) == batch.counts[:3]
    assert EXPECTED == world.rows(LIST)
    ((error),) = world.lines(errors_key(LIST))
    assert 3 == error["record"]
    assert {"image": "colours/may/c.webp"} == error["input"]
    assert error["reason"].startswith("expected a JPEG, PNG or WebP file")
    manifest = orjson.loads(world.outputs.get(manifest_key(LIST)) or b"")
    assert {"name": "colours", "version": "1"} == manifest["model"]
    sizes = [found.size for found in world.inputs.list("colours/may/")]
    assert sum(sizes) == manifest["input"]["bytes"]
    assert chunks == manifest["chunks"]
    assert manifest["cost_estimate"]["storage_usd"] >= round(4 * S3_GET, 6)


def test_beside_tables(world: World) -> None:
    """A table under the prefix is a file of its own."""
    world.inputs.drop("colours/may/more.csv", b"image\ncolours/may/a.png\n")
    world.run(options=BatchOptions(join="image"))
    assert 3 == len(world.rows(LIST))
    table = (world.outputs.get(output_key("colours/may/more.csv")) or b"").decode()
    assert ["colours/may/a.png"] == [row["image"] for row in csv.DictReader(io.StringIO(table))]


def test_options(world: World) -> None:
    """Options go as for any file: the format, the outputs, lookups by key."""
    world.run(options=BatchOptions(format=Format.CSV, outputs="label", key="image", lookup=True))
    content = world.outputs.get(output_key(LIST))
    assert content is not None
    assert [list(row) for row in EXPECTED] == list(csv.reader(content.decode().splitlines()))[1:]
    assert {key for key, _ in EXPECTED} == {key for _, key in world.predictions.kept}


def test_only_new(world: World) -> None:
    """Images that are as they were are left out, and all are transformed again when one is new."""
    world.run()
    new = PREFIX._replace(only_new=True)
    assert 0 == world.run(new, name="second").files
    world.inputs.drop("colours/may/e.png", plain("lime"))
    assert 1 == world.run(new, name="third").files
    assert [*EXPECTED, ("colours/may/e.png", "green")] == world.rows(LIST)


def test_no_model(world: World) -> None:
    """A prefix that is no folder names no model."""
    batch = world.run(BatchSource(prefix="col"))
    assert Status.FAILED is batch.status
    ((outcome),) = world.store.outcomes(batch.id)
    assert outcome.error
    assert outcome.error.message.startswith(
        "images: expected a model, or a prefix that names one, such as col/"
    )


def test_too_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prefix with too many images is refused as a whole."""
    monkeypatch.setattr(module, "MAX_IMAGES", 3)
    batch = world.run()
    assert batch.error
    assert "there are more than 3 images" in batch.error.message


def test_dry_run(world: World) -> None:
    """A dry run knows how many images there are, and writes nothing."""
    workers = Workers(500, memory=1769, concurrency=1, lookups=LookupRate(100, uploads=1, chunks=1))
    submission = read_submission({"prefix": "colours/may/"})
    told = DryRun(world.storage, world.model, workers).describe(submission, Deadline.after(60))
    assert (1, 4) == (told["files"], told["rows"])
    assert LIST == told["listed"][0]["key"]
    files = [found.size for found in world.inputs.list("colours/may/") if found.size]
    requests = Work(sum(files), 1, told["chunks"], 1769, images=len(files))
    assert told["estimated_cost"]["storage_usd"] == cost_of(requests, 0).described()["storage_usd"]
    single = read_submission({"keys": ["colours/may/a.png"]})
    told = DryRun(world.storage, world.model, workers).describe(single, Deadline.after(60))
    assert (1, 1) == (told["files"], told["rows"])
    assert [] == world.work.keys


def test_dropped(world: World) -> None:
    """An image that is dropped has an output of one row."""
    found = world.inputs.drop("colours/rose.png", plain("red"))
    world.uploads.process(Upload(found.key, found.version, found.etag), Deadline.after(60))
    assert [("colours/rose.png", "red")] == world.rows("colours/rose.png")


def test_listed(world: World) -> None:
    """Images that are listed by key are files of their own."""
    world.run(BatchSource(keys=("colours/may/a.png", "colours/may/b.JPG")))
    assert [EXPECTED[0]] == world.rows("colours/may/a.png")
    assert [EXPECTED[1]] == world.rows("colours/may/b.JPG")


def test_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records hold images, or name them by key or URI; those that cannot be read are set apart."""
    monkeypatch.setattr(module, "MAX_IMAGE", 1000)
    world.others.drop("x/y z.png", plain("blue"))
    world.inputs.drop("colours/may/large.png", bytes(1001))
    cells = [
        "colours/may/a.png",
        "s3://inputs/colours/may/b.JPG",
        "s3://others/x/y z.png",
        b64encode(plain("lime")).decode(),
        "data:image/png;base64," + b64encode(plain("red")).decode(),
        "colours/none.png",
        "s3://elsewhere/a.png",
        "colours/may/large.png",
        "",
    ]
    body = b"".join(orjson.dumps({"id": number, "image": cell}) + b"\n" for number, cell in enumerate(cells))
    world.inputs.drop("colours/named.jsonl", body)
    world.run(BatchSource(keys=("colours/named.jsonl",)), BatchOptions(join="id", outputs="label"))
    assert list(enumerate(["red", "blue", "blue", "green", "red"])) == [
        (row["id"], row["label"]) for row in world.lines(output_key("colours/named.jsonl"))
    ]
    errors = {error["record"]: error["reason"] for error in world.lines(errors_key("colours/named.jsonl"))}
    assert {
        6: "there is no image 'colours/none.png'",
        7: "'s3://elsewhere/a.png' is in a bucket that images are not read from; name it in the parameter "
        "BatchImageBuckets of the stack",
        8: "the image has 1001 bytes, more than the 1000 that are read",
        9: "column 'image': expected an image, in base64 or as bytes, got ''",
    } == errors


@pytest.mark.parametrize(("attempts", "at_once"), [(0, [4]), (3, [2, 2]), (9, [1, 3])])
def test_images_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attempts: int, at_once: list[int]
) -> None:
    """So many images are in memory together; after an attempt that ended without a word fewer."""
    monkeypatch.setattr(file_module, "_IMAGES", 16)
    world = filled(tmp_path, 10**6)
    world.inputs.drop("colours/may/c.webp", plain("red"))
    world.store.attempts["b", 0, 0] = attempts
    read: list[int] = []

    def watched(storage: BatchStorage, cells: Array) -> Array:
        read.append(len(cells))
        return module.images_named(storage, cells)

    monkeypatch.setattr(chunk_module, "images_named", watched)
    transformer = Transformer(world.storage, world.model, world.observer, FAST)
    steps = world.steps._replace(transformer=transformer)
    world.machine = WorkflowSteps(world.storage, world.service, steps, world.observer, world.clock)
    assert (4, 4, 0) == world.run().counts[:3]
    assert at_once == read
