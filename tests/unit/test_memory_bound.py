"""What takes more memory than the function has is refused, and the function goes on."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from triptych.clock import Deadline
from triptych.errors import ModelUnavailable, PayloadTooLarge
from triptych.models.config import SessionSettings
from triptych.models.memory import anonymous_memory
from triptych.models.session import OnnxSession, open_session
from triptych.protocol.datatypes import FP32, INT64
from triptych.protocol.tensors import Tensor

from tests.support.realtime import add_model
from tests.support.tiny_models import identity, model, zeros

ROOT = Path(__file__).parents[2]
LATER = Deadline(float("inf"))
MIB = 2**20

# In a process of its own: the bound holds until a process ends. Each of these many users is one line of CSV.
FUNCTION = """
import gzip, json, re, sys
from realtime_handler import handler
from tests.support.realtime import Call, Invocation

def answered(call):
    return handler(call.event(), Invocation())["statusCode"]

def rows(users):
    body = b"user_id\\n" + b"1\\n" * users
    path = {"model": "recommender"}
    return answered(Call("POST", "/v2/models/{model}/predict", path, {"Content-Type": "text/csv"}, body=body))

def zeros(n):
    tensor = {"name": "n", "datatype": "INT64", "shape": [1], "data": [n]}
    body = json.dumps({"inputs": [tensor]}).encode()
    return answered(Call("POST", "/v2/models/{model}/infer", {"model": "zeros"}, body=body))

def strings(n):
    data = b",".join([b'""'] * n)
    body = b'{"inputs": [{"name": "x", "datatype": "BYTES", "shape": [%d], "data": [%s]}]}' % (n, data)
    path, headers = {"model": "strings"}, {"Content-Encoding": "gzip"}
    body = gzip.compress(body, 1)
    return answered(Call("POST", "/v2/models/{model}/infer", path, headers, body=body))

def images(n):
    raw = {"binary_data_size": 256 * n}
    image = {"name": "image", "datatype": "FP32", "shape": [n, 8, 8], "parameters": raw}
    digit = {"name": "digit", "parameters": {"binary_data": True}}
    header = json.dumps({"inputs": [image], "outputs": [digit]}).encode()
    length = {"Inference-Header-Content-Length": str(len(header))}
    body, headers = gzip.compress(header + bytes(256 * n), 1), {"Content-Encoding": "gzip", **length}
    return answered(Call("POST", "/v2/models/{model}/infer", {"model": "digits"}, headers, body=body))

statuses = [eval(line) for line in sys.argv[1:]]
# The peak of this process alone: getrusage also counts what the one that started it had.
megabytes = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) // 1024
print(json.dumps([statuses, megabytes]), file=sys.stderr)
"""


def opened(directory: Path, content: bytes, *, arena: bool = True) -> OnnxSession:
    """Opens a model that lies in a directory of its own."""
    path = directory / "model.onnx"
    path.write_bytes(content)
    return open_session(path, SessionSettings(arena=arena))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("megabytes", "requests"),
    [
        (512, {"rows(10)": 200, "rows(200_000)": 413, "rows(2_000_000)": 413, "rows(20)": 200}),
        (512, {"zeros(10**9)": 413, "zeros(500_000)": 200}),
        (512, {"zeros(8_000_000)": 413, "zeros(500_000)": 200}),
        (512, {"zeros(60_000_000)": 413, "zeros(500_000)": 200}),
        (1024, {"strings(5_000_000)": 413, "strings(10_000)": 200}),
        (1769, {"images(400_000)": 413, "images(200_000)": 200}),
        (3538, {"images(600_000)": 413, "images(400_000)": 200}),
    ],
    ids=[
        "what the model computes",
        "what the model gives",
        "the answer",
        "the values of the answer",
        "its strings",
        "what was compressed",
        "what was compressed, and twice the memory",
    ],
)
def test_request_that_needs_too_much(megabytes: int, requests: dict[str, int], tmp_path: Path) -> None:
    """A request that takes more than the function's memory is a 413, and the next one is served."""
    add_model(tmp_path, "zeros", zeros())
    add_model(tmp_path, "strings", identity("BYTES", ["n"]))
    environment = {
        "MODEL_REPOSITORY": f"{tmp_path},{ROOT / 'layers/models'}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(megabytes),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'functions/realtime'}:{ROOT / 'layers/triptych'}",
    }
    done = subprocess.run(  # noqa: S603 - nothing of it comes from outside
        [sys.executable, "-c", FUNCTION, *requests],
        env=environment,
        capture_output=True,
        check=True,
        timeout=120,
    )
    statuses, peak = json.loads(done.stderr.splitlines()[-1])
    assert [*requests.values()] == statuses
    assert peak < megabytes


def test_model_that_needs_too_much(tmp_path: Path) -> None:
    """A run that gets no more memory says so, is no fault of the values, and is forgotten by the next."""
    session = opened(tmp_path, zeros())
    with pytest.raises(PayloadTooLarge, match="needs more memory for these inputs than there is"):
        session.run({"n": Tensor(INT64, np.array([2**42]))}, ["zeros"], LATER)
    after = session.run({"n": Tensor(INT64, np.array([MIB]))}, ["zeros"], LATER)
    assert (MIB,) == after["zeros"].shape


def test_model_that_cannot_be_opened_again(tmp_path: Path) -> None:
    """A model whose file is gone when it has to be opened again is unavailable."""
    session = opened(tmp_path, zeros())
    with pytest.raises(PayloadTooLarge):
        session.run({"n": Tensor(INT64, np.array([2**42]))}, ["zeros"], LATER)
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(ModelUnavailable, match="the model cannot be opened"):
        session.run({"n": Tensor(INT64, np.array([1]))}, ["zeros"], LATER)


def test_memory_is_given_back(tmp_path: Path) -> None:
    """What a large run took is not kept after it."""
    small, large = (Tensor(FP32, np.zeros(size, dtype="<f4")) for size in (1, 16 * MIB))
    vector = {"x": ("FP32", ["n"])}
    nodes = [helper.make_node("Exp", ["x"], ["e"]), helper.make_node("ReduceSum", ["e"], ["y"])]
    session = opened(tmp_path, model(nodes, vector, {"y": ("FP32", [1])}))
    session.run({"x": small}, ["y"], LATER)
    before = anonymous_memory()
    session.run({"x": large}, ["y"], LATER)
    assert anonymous_memory() - before < 16 * MIB


def test_large_run_without_arena(tmp_path: Path) -> None:
    """A model that keeps no memory between runs has none to give back."""
    session = opened(tmp_path, identity("FP32", ["n"]), arena=False)
    x = Tensor(FP32, np.zeros(MIB, dtype="<f4"))
    assert (MIB,) == session.run({"x": x}, ["y"], LATER)["y"].shape
