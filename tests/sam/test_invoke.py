"""Events from `events/`, answered by the function in a Lambda container."""

import base64
import csv
import io
import json
from typing import Any

import numpy as np
import onnxruntime
import pytest
from tritonclient.http import InferResult

from local.build import ROOT
from tests.sam.sam_local import SamLocal

Event = dict[str, Any]


def load(name: str) -> Event:
    """Reads an event."""
    event: Event = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return event


def body(message: Event) -> bytes:
    """The body of an event or an answer."""
    text: str = message["body"]
    return base64.b64decode(text) if message["isBase64Encoded"] else text.encode()


def answer_to(sam: SamLocal, name: str) -> Event:
    """What the function answers to an event."""
    return sam.invoke("RealtimeFunction", ROOT / "events" / f"{name}.json")


@pytest.fixture(scope="module")
def probabilities() -> np.ndarray:
    """What ONNX Runtime makes here of the images in the events, shape [images, 10]."""
    [image] = json.loads(body(load("realtime-infer-json")))["inputs"]
    pixels = np.array(image["data"], np.float32).reshape(image["shape"])
    session = onnxruntime.InferenceSession(ROOT / "layers/models/digits/1/model.onnx")
    return np.asarray(session.run(["probabilities"], {"image": pixels})[0])


def test_infer_json(sam: SamLocal, probabilities: np.ndarray) -> None:
    """Tensors as JSON are answered as JSON, with what the model makes of them."""
    answer = answer_to(sam, "realtime-infer-json")
    assert 200 == answer["statusCode"]
    result = InferResult.from_response_body(body(answer))
    np.testing.assert_array_equal(probabilities.argmax(axis=1), result.as_numpy("digit"))
    np.testing.assert_allclose(probabilities, result.as_numpy("probabilities"), rtol=1e-4)


def test_infer_binary(sam: SamLocal, probabilities: np.ndarray) -> None:
    """Tensors as bytes are answered as bytes, with the same predictions as those in JSON."""
    answer = answer_to(sam, "realtime-infer-binary")
    assert 200 == answer["statusCode"]
    assert answer["isBase64Encoded"]
    header_length = int(answer["headers"]["Inference-Header-Content-Length"])
    result = InferResult.from_response_body(body(answer), header_length=header_length)
    np.testing.assert_allclose(probabilities, result.as_numpy("probabilities"), rtol=1e-4)


def test_predict_csv(sam: SamLocal) -> None:
    """Every row of a CSV file is answered with its most probable species."""
    answer = answer_to(sam, "realtime-predict-csv")
    assert 200 == answer["statusCode"]
    asked = list(csv.DictReader(io.StringIO(body(load("realtime-predict-csv")).decode())))
    rows = list(csv.DictReader(io.StringIO(body(answer).decode())))
    assert len(asked) == len(rows)
    for row in rows:
        score = {
            species: float(row[f"probabilities_{species}"]) for species in ("Adelie", "Chinstrap", "Gentoo")
        }
        assert max(score, key=score.__getitem__) == row["species"]


def test_ready(sam: SamLocal) -> None:
    """A model of the models layer is ready in the container."""
    answer = answer_to(sam, "realtime-ready")
    assert 200 == answer["statusCode"]


def test_wrong_shape(sam: SamLocal) -> None:
    """A tensor of the wrong shape is refused with the name of the input."""
    answer = answer_to(sam, "realtime-wrong-shape")
    assert 400 == answer["statusCode"]
    assert "image" in json.loads(body(answer))["error"]
