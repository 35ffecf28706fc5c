"""The API in Lambda containers over HTTP, for Triton's own client and for any other."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from local.build import ROOT


@pytest.fixture(scope="module")
def client(api: str) -> Iterator[triton.InferenceServerClient]:
    """Triton's client; the first request of all may wait for a container."""
    with triton.InferenceServerClient(api, network_timeout=60, connection_timeout=60) as client:
        yield client


@pytest.fixture
def headers() -> dict[str, str]:
    """What makes `sam local` decode a binary answer, as API Gateway does unasked; the client adds to it."""
    return {"Accept": "*/*"}


def images(shape: tuple[int, ...], *, binary: bool) -> triton.InferInput:
    """Images of random pixels, 0 to 16, in the given shape."""
    tensor = triton.InferInput("image", list(shape), "FP32")
    pixels = np.random.default_rng(0).uniform(0, 16, shape).astype(np.float32)
    return tensor.set_data_from_numpy(pixels, binary_data=binary)


def test_health(client: triton.InferenceServerClient) -> None:
    """The server says that it lives and is ready."""
    assert client.is_server_live()
    assert client.is_server_ready()


def test_metadata(client: triton.InferenceServerClient) -> None:
    """A model tells its name and its input."""
    metadata = client.get_model_metadata("digits")
    assert "digits" == metadata["name"]
    assert [{"name": "image", "datatype": "FP32", "shape": [-1, 8, 8]}] == metadata["inputs"]


def test_infer_is_the_same_in_both_encodings(
    client: triton.InferenceServerClient, headers: dict[str, str]
) -> None:
    """Tensors as JSON and as bytes get the same answer, each in its own encoding."""
    as_json = client.infer(
        "digits",
        [images((3, 8, 8), binary=False)],
        outputs=[triton.InferRequestedOutput("probabilities", binary_data=False)],
        headers=dict(headers),
    )
    as_bytes = client.infer("digits", [images((3, 8, 8), binary=True)], headers=headers)
    assert "data" in as_json.get_output("probabilities")
    assert {"binary_data_size": 3 * 10 * 4} == as_bytes.get_output("probabilities")["parameters"]
    np.testing.assert_array_equal(as_json.as_numpy("probabilities"), as_bytes.as_numpy("probabilities"))
    np.testing.assert_allclose(np.ones(3), as_bytes.as_numpy("probabilities").sum(axis=1), rtol=1e-5)


def test_wrong_shape(client: triton.InferenceServerClient, headers: dict[str, str]) -> None:
    """A tensor of the wrong shape reaches the client's user as a 400 with the name of the input."""
    with pytest.raises(InferenceServerException, match="image") as raised:
        client.infer("digits", [images((1, 64), binary=True)], headers=headers)
    assert "400" == raised.value.status()


def test_rows(api: str) -> None:
    """A CSV file is answered with a CSV file of as many lines."""
    rows = (ROOT / "examples" / "penguins.csv").read_bytes()
    answer = httpx.post(
        f"http://{api}/v2/models/penguins/predict",
        content=rows,
        headers={"Content-Type": "text/csv", "Accept": "text/csv"},
        timeout=60,
        trust_env=False,
    )
    assert 200 == answer.status_code
    assert answer.text.startswith("species,")
    assert len(rows.splitlines()) == len(answer.text.splitlines())
