"""Triton's own client, unmodified, against the deployed stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from local.stack import StackInfo
from tests.support.identity_models import ONNX_TYPES, identity_model

SAMPLES: dict[str, Any] = {
    "BOOL": np.array([[True, False, True]]),
    "BYTES": np.array([["", "naïve", "日本 \U0001f600"]], dtype=object),
    "BF16": np.array([[1.5, -2.0, 3.0]], dtype=ml_dtypes.bfloat16),
    "FP16": np.array([[1.5, -0.0, 65504.0]], dtype=np.float16),
    "FP32": np.array([[1.5, -1e-45, 3.4e38]], dtype=np.float32),
    "FP64": np.array([[1.5, -5e-324, 1.7e308]], dtype=np.float64),
    **{
        name: np.array([[np.iinfo(dtype).min, 1, np.iinfo(dtype).max]], dtype=dtype)
        for name, dtype in (
            (f"{sign.upper()}INT{bits}", np.dtype(f"{sign}int{bits}"))
            for sign in ("", "u")
            for bits in (8, 16, 32, 64)
        )
    },
}


@pytest.fixture
def headers(stack: StackInfo) -> dict[str, str]:
    """What a call carries; the client adds to what it is given, so every test gets its own."""
    return {"x-api-key": stack.api_key}


@pytest.fixture(scope="module")
def client(stack: StackInfo) -> Iterator[triton.InferenceServerClient]:
    """The client, given the address as its users give it: without a scheme, with the stage."""
    client = triton.InferenceServerClient(stack.api_url.removeprefix("http://"), network_timeout=60)
    yield client
    client.close()


@pytest.fixture(scope="module")
def identities(stack: StackInfo) -> None:
    """Puts a model for every datatype into the model bucket."""
    s3 = stack.aws().s3()
    for datatype in ONNX_TYPES:
        key = f"models/identity_{datatype.lower()}/1/model.onnx"
        s3.put_object(Bucket=stack.outputs["ModelBucket"], Key=key, Body=identity_model(datatype))


def test_health(client: triton.InferenceServerClient) -> None:
    """The server says that it lives and is ready, without a key."""
    assert client.is_server_live()
    assert client.is_server_ready()


def test_model_readiness(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    """A model that is there is ready, another is not."""
    assert client.is_model_ready("digits", headers=headers)
    assert client.is_model_ready("digits", "1", headers=headers)
    assert not client.is_model_ready("absent", headers=headers)


def test_server_metadata(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    """The server tells its name and the extensions that the client may use."""
    metadata = client.get_server_metadata(headers=headers)
    assert metadata["name"] == "triptych"
    assert {"binary_tensor_data", "classification", "statistics"} <= set(metadata["extensions"])


def test_model_metadata(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    """A model tells its inputs, outputs and versions."""
    metadata = client.get_model_metadata("digits", headers=headers)
    assert metadata["versions"] == ["1"]
    assert metadata["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 8, 8]}]
    digit, probabilities = metadata["outputs"]
    assert digit == {"name": "digit", "datatype": "INT64", "shape": [-1]}
    assert probabilities["parameters"] == {"labels": [*"0123456789"]}


def test_model_config(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    """A model tells its configuration in Triton's terms."""
    config = client.get_model_config("digits", headers=headers)
    assert config["backend"] == "onnxruntime"
    assert config["input"] == [{"name": "image", "data_type": "TYPE_FP32", "dims": [-1, 8, 8]}]


def test_repository_index(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    """The index lists the models that ship with the stack, ready."""
    index = client.get_model_repository_index(headers=headers)
    ready = {entry["name"] for entry in index if entry["state"] == "READY"}
    assert {"digits", "penguins", "recommender"} <= ready


@pytest.mark.parametrize(
    ("datatype", "binary"),
    [(name, True) for name in ONNX_TYPES] + [(name, False) for name in ONNX_TYPES if name != "BF16"],
)
@pytest.mark.usefixtures("identities")
def test_every_datatype(
    client: triton.InferenceServerClient, headers: dict[str, str], datatype: str, *, binary: bool
) -> None:
    """A tensor of any datatype comes back as it went, in binary and in JSON."""
    values = SAMPLES[datatype]
    tensor = triton.InferInput("x", list(values.shape), datatype)
    tensor.set_data_from_numpy(values, binary_data=binary)
    output = triton.InferRequestedOutput("y", binary_data=binary)
    result = client.infer(f"identity_{datatype.lower()}", [tensor], outputs=[output], headers=headers)
    received = result.as_numpy("y")
    if datatype == "BYTES" and binary:
        received = np.vectorize(bytes.decode, otypes=[object])(received)
    assert received is not None
    assert values.shape == received.shape
    assert np.array_equal(values, received)


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_compression_both_ways(
    client: triton.InferenceServerClient, headers: dict[str, str], algorithm: str
) -> None:
    """Compressed requests and answers give the same predictions as plain ones."""
    images = np.random.default_rng(0).uniform(0, 16, (64, 8, 8)).astype(np.float32)
    tensor = triton.InferInput("image", list(images.shape), "FP32")
    tensor.set_data_from_numpy(images)
    plain = client.infer("digits", [tensor], headers=dict(headers))
    packed = client.infer(
        "digits",
        [tensor],
        headers=headers,
        request_compression_algorithm=algorithm,
        response_compression_algorithm=algorithm,
    )
    assert np.array_equal(plain.as_numpy("digit"), packed.as_numpy("digit"))
    assert np.array_equal(plain.as_numpy("probabilities"), packed.as_numpy("probabilities"))


def test_classification(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    """Classes come with their scores and labels, the best first."""
    image = np.zeros((1, 8, 8), dtype=np.float32)
    tensor = triton.InferInput("image", [1, 8, 8], "FP32")
    tensor.set_data_from_numpy(image)
    wanted = triton.InferRequestedOutput("probabilities", class_count=3)
    best = client.infer("digits", [tensor], outputs=[wanted], headers=headers).as_numpy("probabilities")
    assert best is not None
    assert best.shape == (1, 3)
    scores = [float(entry.split(b":")[0]) for entry in best[0]]
    assert sorted(scores, reverse=True) == scores
    assert all(len(entry.split(b":")) == 3 for entry in best[0])


def test_texts(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    """A model with a task takes BYTES and gives FP32, in binary, by its metadata as any model."""
    texts = np.array(["a strong coffee", "thé vert \U0001f375", ""], dtype=object)
    (taken,) = client.get_model_metadata("search", headers=headers)["inputs"]
    tensor = triton.InferInput(taken["name"], texts.shape, taken["datatype"])
    tensor.set_data_from_numpy(texts, binary_data=True)
    result = client.infer("search", [tensor], headers={**headers})
    embeddings = result.as_numpy("embedding")
    assert embeddings is not None
    assert ((3, 48), np.float32) == (embeddings.shape, embeddings.dtype)
    assert [1.0, 1.0] == pytest.approx(np.linalg.norm(embeddings[:2], axis=1), abs=1e-5)
    one = triton.InferInput("text", [1], "BYTES")
    one.set_data_from_numpy(texts[1:2], binary_data=False)
    alone = client.infer("search", [one], headers=headers).as_numpy("embedding")
    np.testing.assert_allclose(embeddings[1:2], alone, atol=1e-6)


def test_request_id_and_version(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    """The answer names the request, the model and the version that ran."""
    tensor = triton.InferInput("user_id", [1, 1], "INT64")
    tensor.set_data_from_numpy(np.array([[15]], dtype=np.int64))
    result = client.infer("recommender", [tensor], model_version="1", request_id="abc", headers=headers)
    answer = result.get_response()
    assert ("abc", "recommender", "1") == (answer["id"], answer["model_name"], answer["model_version"])
    assert result.as_numpy("items").shape == (1, 10)


def test_statistics(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    """Statistics are in the form that the client's users read."""
    entry = client.get_inference_statistics("digits", headers=headers)["model_stats"][0]
    assert ("digits", "1") == (entry["name"], entry["version"])
    assert entry["inference_stats"]["success"]["count"] >= 0


@pytest.mark.parametrize(
    ("model", "expected"),
    [("digits", ("400", "expected shape")), ("absent", ("404", "unknown model"))],
)
def test_errors(
    client: triton.InferenceServerClient, headers: dict[str, str], model: str, expected: tuple[str, str]
) -> None:
    """A failure reaches the client's user as its exception, with our message."""
    status, words = expected
    tensor = triton.InferInput("image", [1, 64], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 64), dtype=np.float32))
    with pytest.raises(InferenceServerException, match=words) as raised:
        client.infer(model, [tensor], headers=headers)
    assert status == raised.value.status()


@pytest.mark.parametrize(
    "call",
    [
        ("load_model", "digits"),
        ("unload_model", "digits"),
        ("get_system_shared_memory_status",),
        ("get_trace_settings",),
        ("get_log_settings",),
    ],
)
def test_extensions_that_are_not_served(
    client: triton.InferenceServerClient, headers: dict[str, str], call: tuple[str, ...]
) -> None:
    """What means nothing on Lambda is refused with a reason, not with a riddle."""
    method, *arguments = call
    with pytest.raises(InferenceServerException) as raised:
        getattr(client, method)(*arguments, headers=headers)
    assert raised.value.status() == "501"
