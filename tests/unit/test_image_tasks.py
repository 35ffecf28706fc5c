"""Tasks on images through the function: images in, labels, embeddings and objects out."""

from __future__ import annotations

import json
import math
import re
import struct
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, override

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from triptych.clock import Deadline
from triptych.models.model import GraphSession
from triptych.protocol.datatypes import FP32
from triptych.protocol.infer_request import HEADER_LENGTH
from triptych.protocol.tensors import Signature, Tensor, TensorSpec
from triptych.tasks import images
from triptych.tasks.export import Export

from tests.support.image_exports import (
    COLOURS,
    CONFIG,
    PROCESSOR,
    add_export,
    classifier,
    detector,
    encoder,
    ultralytics,
)
from tests.support.images import filed, pattern
from tests.support.realtime import Call, RealtimeFunction, add_model
from tests.support.tiny_models import counter

PREDICT = "/v2/models/{model}/predict"
INFER = "/v2/models/{model}/infer"
JSON = {"content-type": "application/json"}
DETR = {"image_processor_type": "DetrImageProcessor", "size": {"height": 8, "width": 8}} | {
    "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3,
}
LOGITS = np.array(
    [[9, 0, 0], [0, 9, 0], [0, 0, 9], [0.1, 0, 0]], dtype="<f4"
)  # a cat, a dog, nothing, perhaps a cat
BOXES = np.array([[0.5, 0.5, 0.5, 1], [0.25, 0.5, 0.1, 0.2], [0.5, 0.5, 1, 1], [0.5, 0.5, 1, 1]], dtype="<f4")
ANIMALS = {"architectures": ["DetrForObjectDetection"], "id2label": {"0": "cat", "1": "dog"}}
WHOLE = np.array([[1, 1, 9, 9, 0.9, 1], [0, 0, 32, 32, 0.8, 0], [0, 0, 1, 1, 0.1, 0]], dtype="<f4")


def candidates(*found: tuple[float, float, float, float, float, float]) -> np.ndarray:
    """Returns an output of Ultralytics: centre, size, and two scores of each candidate."""
    return np.array(found, dtype="<f4").T


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> RealtimeFunction:
    """The function over one export of each kind."""
    models = tmp_path_factory.mktemp("models")
    add_export(models, "colours", classifier(), config=CONFIG, preprocessor_config=PROCESSOR)
    timm = {"pretrained_cfg": {"input_size": [3, 8, 8]}, "num_classes": 3, "label_names": list(COLOURS)}
    add_export(models, "timm", classifier({"input": ("FP32", ["images", 3, 8, 8])}), config=timm)
    single = {"pixel_values": ("FP32", [1, 3, 8, 8])}
    add_export(models, "single", classifier(single), config=CONFIG, preprocessor_config=PROCESSOR)
    base = {"architectures": ["ViTModel"]}
    add_export(models, "vectors", encoder(), config=base, preprocessor_config=PROCESSOR)
    add_export(models, "animals", detector(LOGITS, BOXES), config=ANIMALS, preprocessor_config=DETR)
    add_export(models, "unprocessed", classifier(), config=CONFIG)
    names = {"names": "{0: 'cat', 1: 'dog'}", "imgsz": "[32, 32]", "task": "detect", "stride": "32"}
    found = candidates(
        (16, 16, 16, 16, 0.9, 0.1),
        (16, 16, 16, 15, 0.8, 0.1),  # the same cat
        (16, 16, 16, 16, 0.1, 0.7),  # a dog at the same place
        (8, 8, 40, 8, 0.5, 0.1),  # reaches beyond the image
        (4, 4, 2, 2, 0.2, 0.1),  # not sure enough
    )
    add_export(models, "yolo", ultralytics(found, **names))
    add_export(models, "whole", ultralytics(WHOLE, **names))
    add_model(models, "tensors", counter())
    return RealtimeFunction(models)


def plain(colour: str, width: int = 12, height: int = 10) -> bytes:
    """Returns the file of an image of one colour."""
    return filed(Image.new("RGB", (width, height), colour))


SMALL = [filed(pattern(3, 3), kind) for kind in ("JPEG", "PNG", "WEBP")]


def beginnings(content: bytes) -> st.SearchStrategy[bytes]:
    """Cuts a file somewhere, perhaps at its end."""
    return st.integers(0, len(content)).map(lambda length: content[:length])


def predict(function: RealtimeFunction, model: str, *images: bytes) -> list[dict[str, Any]]:
    """Sends images in base64."""
    rows = [{"image": b64encode(image).decode()} for image in images]
    answer = function.post(PREDICT, json.dumps({"instances": rows}).encode(), JSON, model=model)
    assert 200 == answer.status, answer.body
    predictions: list[dict[str, Any]] = answer.json()["predictions"]
    return predictions


@pytest.mark.parametrize("model", ["colours", "timm", "single"])
def test_classification(function: RealtimeFunction, model: str) -> None:
    """Each image has its label, in order, whatever its size; green of HTML has half the level."""
    rows = predict(function, model, *(plain(colour, width=9 + index) for index, colour in enumerate(COLOURS)))
    assert list(COLOURS) == [row["label"] for row in rows]
    assert all(row["score"] == max(row["scores"]) for row in rows)
    assert all(math.isclose(1, sum(row["scores"]), rel_tol=1e-5) for row in rows)


def test_scores(function: RealtimeFunction) -> None:
    """Scores are the softmax of the logits."""
    (row,) = predict(function, "colours", plain("red"))
    powers = np.exp([10, 0, 0])
    assert row["scores"] == pytest.approx((powers / powers.sum()).tolist(), abs=1e-6)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("route", [PREDICT, INFER])
def test_body(function: RealtimeFunction, kind: str, route: str) -> None:
    """An image is a body: one row, answered in JSON."""
    content = filed(Image.new("RGB", (30, 20), "blue"), kind)
    answer = function.post(route, content, {"content-type": f"image/{kind.lower()}"}, model="colours")
    assert 200 == answer.status, answer.body
    if route == PREDICT:
        assert "blue" == answer.json()["predictions"][0]["label"]
    else:
        assert ["blue"] == answer.json()["outputs"][0]["data"]


def test_body_as_csv(function: RealtimeFunction) -> None:
    """The answer for an image is in the format that is asked for."""
    headers = {"content-type": "image/png", "accept": "text/csv"}
    answer = function.post(PREDICT, plain("blue"), headers, model="colours")
    assert answer.body.startswith(b"label,score,scores_red,scores_green,scores_blue\nblue,0.99")


def test_binary(function: RealtimeFunction) -> None:
    """Elements of a BYTES tensor are files as they are; a body of raw bytes is one."""
    content = plain("red")
    element = struct.pack("<I", len(content)) + content
    spec = {"name": "image", "shape": [1], "datatype": "BYTES"}
    header = json.dumps({"inputs": [spec | {"parameters": {"binary_data_size": len(element)}}]}).encode()
    answer = function.post(INFER, header + element, {HEADER_LENGTH: str(len(header))}, model="colours")
    assert ["red"] == answer.json()["outputs"][0]["data"]
    raw = function.post(INFER, content, {HEADER_LENGTH: "0"}, model="vectors")
    assert np.array([1, 0, 0], dtype="<f4").tobytes() == raw.body[-12:]


def test_base64_tensor(function: RealtimeFunction) -> None:
    """Elements of a BYTES tensor in JSON are base64."""
    data = [b64encode(plain(colour)).decode() for colour in COLOURS]
    body = {"inputs": [{"name": "image", "shape": [3], "datatype": "BYTES", "data": data}]}
    answer = function.post(INFER, json.dumps(body).encode(), model="colours")
    assert list(COLOURS) == answer.json()["outputs"][0]["data"]


def test_objects_around_images(function: RealtimeFunction) -> None:
    """Images may be wrapped as TensorFlow Serving does."""
    body = {"instances": [{"image": {"b64": b64encode(plain("red")).decode()}}]}
    answer = function.post(PREDICT, json.dumps(body).encode(), JSON, model="colours")
    assert "red" == answer.json()["predictions"][0]["label"]


def test_embedding(function: RealtimeFunction) -> None:
    """A model without a head gives the vector of an image."""
    described = function.get("/v2/models/{model}", model="vectors").json()
    assert {"task": "image-feature-extraction"} == described["parameters"]
    rows = predict(function, "vectors", plain("red"), plain("blue"))
    assert [[1, 0, 0], [0, 0, 1]] == [row["embedding"] for row in rows]


def test_detection(function: RealtimeFunction) -> None:
    """Objects of a DETR: the sure ones, in pixels of the image."""
    ((row),) = predict(function, "animals", plain("red", 40, 20))
    assert [
        {"label": "cat", "box": {"xmin": 10, "ymin": 0, "xmax": 30, "ymax": 20}},
        {"label": "dog", "box": {"xmin": 8, "ymin": 8, "xmax": 12, "ymax": 12}},
    ] == [{name: found[name] for name in ("label", "box")} for found in row["objects"]]
    assert row["objects"][0]["score"] == pytest.approx(math.exp(9) / (math.exp(9) + 2), abs=1e-6)


def test_ultralytics(function: RealtimeFunction) -> None:
    """Of boxes of one label that overlap the best stays; those that reach beyond the image are cut."""
    ((row),) = predict(function, "yolo", plain("red", 64, 64))
    assert [
        ("cat", 0.9, (16, 16, 48, 48)),
        ("dog", 0.7, (16, 16, 48, 48)),
        ("cat", 0.5, (0, 8, 56, 24)),
    ] == [(found["label"], found["score"], tuple(found["box"].values())) for found in row["objects"]]


def test_ultralytics_without_overlaps(function: RealtimeFunction) -> None:
    """A model that removes overlaps itself gives corners; the letterbox is taken off."""
    ((row),) = predict(function, "whole", plain("red", 64, 32))
    assert [("dog", (2, 0, 18, 2)), ("cat", (0, 0, 64, 32))] == [
        (found["label"], tuple(found["box"].values())) for found in row["objects"]
    ]


def test_detection_in_csv(function: RealtimeFunction) -> None:
    """CSV has objects as JSON text."""
    headers = {"content-type": "image/png", "accept": "text/csv"}
    answer = function.post(PREDICT, plain("red"), headers, model="whole")
    assert answer.body.startswith(b'objects\n"[{""label"":""dog""')


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"image": "flowers/rose.jpg"}], "row 1: expected a JPEG, PNG or WebP file, or base64 of one"),
        ([{"image": b64encode(plain("red")).decode()}, {"image": "/9j/"}], "row 2: "),
        ([{"image": 7}], "row 1, column 'image': expected an image, in base64 or as bytes, got 7"),
        ([{"image": None}], "row 1, column 'image': expected an image"),
        ([{"picture": "x"}], "missing column 'image'"),
    ],
)
def test_bad_rows(function: RealtimeFunction, rows: list[dict[str, Any]], message: str) -> None:
    """What is no image is refused, with its row."""
    answer = function.post(PREDICT, json.dumps({"instances": rows}).encode(), JSON, model="colours")
    assert 400 == answer.status
    assert answer.error.startswith(message)


def test_too_large(function: RealtimeFunction) -> None:
    """An image of too many pixels is a body that is too large; among others it is a bad row."""
    bomb = bytearray(filed(Image.new("RGBA", (1, 1)), "WEBP", lossless=True))
    bomb[21:25] = struct.pack("<I", 0x3FFF | 0x3FFF << 14)
    headers = {"content-type": "image/webp"}
    answer = function.post(PREDICT, bytes(bomb), headers, model="colours")
    assert 413 == answer.status
    rows = [{"image": b64encode(content).decode()} for content in (plain("red"), bytes(bomb))]
    answer = function.post(PREDICT, json.dumps({"instances": rows}).encode(), JSON, model="colours")
    assert 400 == answer.status
    assert answer.error.startswith("row 2: the image has ")


@pytest.mark.parametrize("route", [PREDICT, INFER])
def test_no_images(function: RealtimeFunction, route: str) -> None:
    """A model of tensors takes no image."""
    answer = function.post(route, plain("red"), {"content-type": "image/png"}, model="tensors")
    assert 400 == answer.status
    assert answer.error.startswith("the model takes no image, but ")


def test_no_processor(function: RealtimeFunction) -> None:
    """A folder that does not say how images are processed is refused, with the way out."""
    answer = function.get("/v2/models/{model}", model="unprocessed")
    assert 503 == answer.status
    assert "preprocessor_config.json is missing" in answer.error
    assert "name = 'none'" in answer.error


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(content=st.binary() | st.sampled_from(SMALL).flatmap(beginnings))
def test_any_body(function: RealtimeFunction, content: bytes) -> None:
    """Whatever bytes come as an image, the answer is a class, or says what is wrong."""
    answer = function.post(PREDICT, content, {"content-type": "image/jpeg"}, model="colours")
    if answer.status != 200:
        assert 400 == answer.status
        assert answer.error
        assert content not in SMALL


def test_any_order(function: RealtimeFunction) -> None:
    """Images of mixed sizes come back in their order, as each alone."""
    files = [filed(pattern(8 + 7 * index % 40, 8 + 5 * index % 30)) for index in range(12)]
    together = predict(function, "colours", *files)
    assert together == [predict(function, "colours", file)[0] for file in files]


def test_models_of_tensors_import_no_library_of_tasks(tmp_path: Path) -> None:
    """Only a model of images pays for Pillow, and only one of texts for tokenizers."""
    add_model(tmp_path, "tensors", counter())
    code = (
        "import sys; from pathlib import Path; from triptych.tasks.open import open_session;"
        "from triptych.models.config import ModelConfig, SessionSettings;"
        "from triptych.models.model import VersionFiles;"
        f"files = VersionFiles('tensors', 1, Path({str(tmp_path / 'tensors/1')!r}));"
        "open_session(files, ModelConfig(), SessionSettings());"
        "assert not {'PIL', 'tokenizers'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603


class Watched(GraphSession):
    """Counts the images of each run.

    Attributes:
        signature: Pixels in, logits out.
        metadata: Nothing.
        runs: The shape of the pixels of each run.
    """

    def __init__(self, *, quantizes: bool) -> None:
        pixels = TensorSpec("pixel_values", FP32, (-1, 3, -1, -1))
        self.signature = Signature((pixels,), (TensorSpec("logits", FP32, (-1, 3)),))
        self.metadata: dict[str, str] = {}
        self.runs: list[tuple[int, ...]] = []
        self._quantizes = quantizes

    @property
    @override
    def quantizes_as_it_runs(self) -> bool:
        return self._quantizes

    @override
    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        shape = inputs["pixel_values"].shape
        self.runs.append(shape)
        return {"logits": Tensor(FP32, np.zeros((shape[0], 3), dtype="<f4"))}


@pytest.mark.parametrize(
    ("quantizes", "limit", "expected"),
    [
        (False, 2**20, [(3, 3, 8, 8), (1, 3, 8, 4)]),
        (False, 1536, [(2, 3, 8, 8), (1, 3, 8, 4), (1, 3, 8, 8)]),
        (True, 2**20, [(1, 3, 8, 8), (1, 3, 8, 8), (1, 3, 8, 4), (1, 3, 8, 8)]),
    ],
)
def test_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    quantizes: bool,  # noqa: FBT001 - a parameter of the test
    limit: int,
    expected: list[tuple[int, ...]],
) -> None:
    """Images of one size run together, in bounded memory; those of a model that scales by all, one by one."""
    monkeypatch.setattr(images, "_RUN_BYTES", limit)
    processor = PROCESSOR | {"do_resize": False}
    add_export(tmp_path, "watched", b"", config=CONFIG, preprocessor_config=processor)
    session = Watched(quantizes=quantizes)
    model = images.ImageModel(session, Export(tmp_path / "watched/1", session))
    values = np.empty(4, dtype=object)
    values[:] = [plain("red", 8, 8), plain("red", 8, 8), plain("red", 4, 8), plain("red", 8, 8)]
    runs = list(model.runs(values, ["logits"], Deadline.after(60)))
    assert expected == session.runs
    assert [0, 1, 2, 3] == sorted(row for ran in runs for row in ran.rows)


ROOT = Path(__file__).parents[2]


def test_the_page() -> None:
    """The request of docs/images.md has the answer that the page shows, and metadata marks the input."""
    page = (ROOT / "docs/images.md").read_text(encoding="utf-8")
    file, query = re.findall(r"--data-binary @(\S+) \S+/handwriting/predict\?outputs=([a-z,]+)", page)[0]
    headers, path = {"content-type": "image/png"}, {"model": "handwriting"}
    call = Call("POST", PREDICT, path, headers, {"outputs": query}, (ROOT / file).read_bytes())
    function = RealtimeFunction(ROOT / "layers/models")
    shown = re.findall(r"^\{.*$", page, re.MULTILINE)[0]
    answer, expected = function.handle(call.event()).json(), json.loads(shown)
    assert expected["predictions"][0].pop("score") == pytest.approx(
        answer["predictions"][0].pop("score"), abs=1e-5
    )
    assert expected == answer
    described = function.get("/v2/models/{model}", model="handwriting").json()
    assert {"image": True} == described["inputs"][0]["parameters"]
