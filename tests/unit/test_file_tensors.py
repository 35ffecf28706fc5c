"""Tensors from file to file: the answers of real time, slice by slice."""

import errno
import gzip
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper
from triptych.clock import Deadline
from triptych.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from triptych.inference import tensor_writer
from triptych.inference.local_file import LocalFile
from triptych.inference.slices import Budget, Sizes
from triptych.inference.tensor_file import transform_tensors
from triptych.inference.tensors import infer, raw_request
from triptych.jobs.job import JobRequest
from triptych.models.model import Model
from triptych.protocol.compression import PLAIN_LIMIT
from triptych.protocol.datatypes import DATATYPES
from triptych.protocol.infer_request import parse_infer_request

from tests.support.local_files import TINY, sample, tiny, transformed
from tests.support.properties import examples
from tests.support.tiny_models import identity, model

LATER = Deadline(math.inf)
DIGITS = sample("digits")
RECOMMENDER = sample("recommender")
NUMBERS = [name for name, datatype in DATATYPES.items() if datatype.size]
ODD = [{"name": "probabilities", "parameters": {"classification": 3}}, {"name": "digit"}]


def message(
    values: dict[str, np.ndarray[Any, Any]], datatype: str = "FP32", **more: object
) -> tuple[bytes, int]:
    """Makes a request of raw tensors; returns it with the length of its header."""
    inputs = [
        {
            "name": name,
            "datatype": datatype,
            "shape": array.shape,
            "parameters": {"binary_data_size": array.nbytes},
        }
        for name, array in values.items()
    ]
    header = orjson.dumps({"inputs": inputs, **more})
    return header + b"".join(array.tobytes() for array in values.values()), len(header)


def images(count: int) -> np.ndarray[Any, Any]:
    """Makes images of digits."""
    return np.random.default_rng(count).integers(0, 17, (count, 8, 8)).astype("<f4")


def assert_as_in_real_time(model: Model, body: bytes, header_length: int | None, sizes: Sizes = TINY) -> None:
    """Checks that a file has the answer that real time gives."""
    parsed = parse_infer_request(body, header_length) if header_length else raw_request(body, model.signature)
    expected = infer(model, parsed, LATER)
    actual = transformed(model, body, JobRequest(header_length=header_length), sizes=sizes)
    assert (expected.content_type, expected.header_length, 0, expected.rows) == actual[1:]
    assert expected.body == actual.body


@examples(60)
@given(
    st.integers(1, 40),
    st.sampled_from(
        [
            [],
            [{"name": "digit", "parameters": {"binary_data": True}}],
            [{"name": "digit", "parameters": {"binary_data": False}}],
            [{"name": "digit", "parameters": {"classification": 2}}],
        ]
    ),
    st.booleans(),
    st.sampled_from([{}, {"id": "é"}]),
)
def test_slices_equal_the_whole(count: int, outputs: list[Any], binary: bool, more: dict[str, str]) -> None:  # noqa: FBT001 - drawn
    """Any number of rows, outputs in JSON, binary and as classes: the bytes are those of one run."""
    if outputs and "classification" in outputs[0]["parameters"]:
        outputs = [{**outputs[0], "name": "probabilities"}]
    wanted = {"outputs": outputs} if outputs else {"outputs": [{"name": "digit"}]}
    parameters = {"binary_data_output": binary}
    body, length = message({"image": images(count)}, "FP32", parameters=parameters, **wanted, **more)
    assert_as_in_real_time(DIGITS, body, length, TINY._replace(largest=2048))


@pytest.mark.parametrize("datatype", NUMBERS)
def test_every_datatype_of_numbers(datatype: str, tmp_path: Path) -> None:
    """All numbers come back as they went."""
    made = tiny(identity(datatype, ["n", 2]), tmp_path)
    values = (np.arange(38).reshape(19, 2) % 2).astype(DATATYPES[datatype].storage)
    named = {"x": values}
    body, length = message(named, datatype, parameters={"binary_data_output": True})
    assert_as_in_real_time(made, body, length)


def test_outputs_of_strings() -> None:
    """Strings of any length follow each other in one output, numbers in another."""
    users = np.arange(1, 70).reshape(-1, 1)
    body, length = message({"user_id": users}, "INT64", parameters={"binary_data_output": True})
    assert_as_in_real_time(RECOMMENDER, body, length)


def test_json_and_binary_outputs() -> None:
    """Outputs in JSON stand in the header, those in binary behind it."""
    outputs = [{"name": "items"}, {"name": "scores", "parameters": {"binary_data": True}}]
    users = np.arange(1, 70).reshape(-1, 1)
    body, length = message({"user_id": users}, "INT64", outputs=outputs)
    assert_as_in_real_time(RECOMMENDER, body, length)


def test_raw_body() -> None:
    """A body without header is sliced too."""
    assert 50 == transformed(DIGITS, images(50).tobytes(), JobRequest(header_length=0)).rows
    users = np.arange(1, 40)
    assert_as_in_real_time(RECOMMENDER, users.tobytes(), 0)


def test_compressed_tensors() -> None:
    """Tensors are decompressed before."""
    body, length = message({"image": images(30)}, outputs=[{"name": "digit"}])
    plain = transformed(DIGITS, body, JobRequest(header_length=length))
    packed = JobRequest(content_encoding="gzip", header_length=length)
    assert plain == transformed(DIGITS, gzip.compress(body), packed)
    with pytest.raises(UnsupportedMediaType, match="Content-Encoding 'br' is not read"):
        transformed(DIGITS, body, JobRequest(content_encoding="br"))


def test_json_has_to_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors in JSON are run as a whole, up to a limit."""
    tensor = {"name": "image", "datatype": "FP32", "shape": [9, 8, 8], "data": images(9).tolist()}
    body = orjson.dumps({"inputs": [tensor]})
    expected = infer(DIGITS, parse_infer_request(body, None), LATER).body
    assert expected == transformed(DIGITS, body, JobRequest()).body
    monkeypatch.setattr(PLAIN_LIMIT, "bytes", 1000)
    with pytest.raises(PayloadTooLarge, match="only numbers in binary may be larger"):
        transformed(DIGITS, body, JobRequest())


@pytest.mark.parametrize("group", [None, False])
def test_rows_that_depend_on_each_other(tmp_path: Path, group: bool | None) -> None:  # noqa: FBT001 - a setting
    """A first dimension that is no batch is found out by comparing, and run as a whole."""
    nodes = [helper.make_node("Softmax", ["x"], ["y"], axis=0)]
    pair: Any = {"x": ("FP32", ["n", 1])}
    made = tiny(model(nodes, pair, {"y": ("FP32", ["n", 1])}), tmp_path, group=group)
    body, length = message({"x": np.arange(99, dtype="<f4").reshape(-1, 1)})
    assert_as_in_real_time(made, body, length)


def test_output_that_is_not_of_rows(tmp_path: Path) -> None:
    """An output without an entry for each row makes the request one run."""
    nodes = [helper.make_node("ReduceSum", ["x"], ["y"], keepdims=1)]
    made = tiny(model(nodes, {"x": ("FP32", ["n", 1])}, {"y": ("FP32", ["m", 1])}), tmp_path)
    body, length = message({"x": np.arange(99, dtype="<f4").reshape(-1, 1)})
    assert_as_in_real_time(made, body, length)


@pytest.mark.parametrize(
    ("body", "length", "error"),
    [
        (b"{}", 3, "the JSON header has 3 bytes, but the whole body 2"),
        (*message({"image": images(3).reshape(3, 64)}), r"input 'image': expected shape \[-1, 8, 8\]"),
        (*message({"other": images(3)}), "unknown input 'other'"),
        (*message({"image": images(3)}, outputs=[{"name": "other"}]), "unknown output 'other'"),
    ],
)
def test_requests_that_are_not_the_models(body: bytes, length: int, error: str) -> None:
    """What the model does not take is refused before anything is run."""
    with pytest.raises(BadRequest, match=error):
        transformed(DIGITS, body, JobRequest(header_length=length))


def test_bytes_that_do_not_fill_the_shape() -> None:
    """The bytes of an input are those of its shape."""
    body, length = message({"image": images(3)})
    wrong = body.replace(b"[3,8,8]", b"[4,8,8]")
    with pytest.raises(BadRequest, match=r"shape \[4, 8, 8\] of FP32 takes 1024 bytes, got 768"):
        transformed(DIGITS, wrong, JobRequest(header_length=length))


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, PayloadTooLarge), (errno.EIO, OSError)])
def test_full_disk(
    number: int, kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk is full, the job is too large; other failures of the disk are not explained away."""

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    body, length = message({"image": images(30)})
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(body)
    monkeypatch.setattr(tensor_writer._Output, "add", fail)  # noqa: SLF001 - no disk is full when it is wanted
    with pytest.raises(kind):
        transform_tensors(
            DIGITS, LocalFile(source, None, tmp_path), length, target, Budget(LATER, lambda: None)
        )


def test_cancelled() -> None:
    """What the checkpoint raises ends the job between two slices."""
    body, length = message({"image": images(30)})
    calls = [None, None]
    with pytest.raises(IndexError):
        transformed(DIGITS, body, JobRequest(header_length=length), checkpoint=calls.pop)
