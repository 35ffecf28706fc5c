"""Runs that would take for ever are stopped in time."""

import json
import time
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from triptych.clock import Deadline
from triptych.errors import DeadlineExceeded
from triptych.http.application import SAFETY_MARGIN
from triptych.models.config import SessionSettings
from triptych.models.session import OnnxSession, open_session
from triptych.models.watchdog import Watchdog
from triptych.protocol.datatypes import INT64
from triptych.protocol.tensors import Tensor

from tests.support.realtime import Answer, Call, RealtimeFunction, add_model
from tests.support.tiny_models import counter

FOR_EVER = 2**62


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A repository with a model that counts to what it is told."""
    add_model(tmp_path, "counter", counter())
    return tmp_path


def count(session: OnnxSession, to: int, deadline: Deadline) -> float:
    """Counts."""
    tensor = Tensor(INT64, np.array(to, dtype="<i8"))
    return float(session.run({"n": tensor}, ["counted"], deadline)["counted"].values)


def test_runaway_model_is_stopped(models: Path) -> None:
    """A run ends shortly after its deadline, and the session can run again."""
    session = open_session(models / "counter/1/model.onnx", SessionSettings())
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="the model did not answer in time"):
        count(session, FOR_EVER, Deadline.after(0.2))
    assert 0.2 <= time.monotonic() - started < 1.5
    assert 10.0 == count(session, 10, Deadline.after(10))


def test_runaway_model_is_answered(models: Path) -> None:
    """The caller learns of it before the function's time is up, and the next request is served."""
    function = RealtimeFunction(models)

    def ask(to: int, milliseconds: int) -> Answer:
        body = {"inputs": [{"name": "n", "shape": [], "datatype": "INT64", "data": [to]}]}
        call = Call("POST", "/v2/models/{model}/infer", {"model": "counter"}, body=json.dumps(body).encode())
        return function.handle(call.event(), milliseconds)

    assert 200 == ask(1, 28_000).status  # opens the model: what is measured is the run
    started = time.monotonic()
    answer = ask(FOR_EVER, 1_200)
    assert time.monotonic() - started < 1.2
    assert 504 == answer.status
    assert answer.error.startswith("the model did not answer in time; send less at once, or ask for a job: ")
    assert [10.0] == ask(10, 28_000).json()["outputs"][0]["data"]


def test_time_is_up_already(models: Path) -> None:
    """With less time than an answer takes, nothing is run, and what runs no model is answered still."""
    function = RealtimeFunction(models)
    body = b'{"inputs": [{"name": "n", "shape": [], "datatype": "INT64", "data": [1]}]}'
    call = Call("POST", "/v2/models/{model}/infer", {"model": "counter"}, body=body)
    assert 200 == function.handle(call.event(), 28_000).status  # opens the model: loading goes on by itself
    for milliseconds in (int(SAFETY_MARGIN * 1000) - 1, 0, -5):
        assert 504 == function.handle(call.event(), milliseconds).status
    assert 200 == function.handle(Call("GET", "/v2").event(), 0).status


def test_each_run_has_its_own_deadline() -> None:
    """A run in time goes on beside one whose time is up, and after it."""
    watchdog = Watchdog()
    in_time, late, later = Event(), Event(), Event()
    with watchdog.guard(Deadline.after(60), in_time.set):
        with watchdog.guard(Deadline.after(-1), late.set):
            assert late.wait(2.0)
        assert not in_time.is_set()
    with watchdog.guard(Deadline.after(60), later.set):
        assert not later.wait(0.15)


def test_nothing_is_stopped_after_its_end() -> None:
    """A run that ended before its deadline is not stopped when that passes."""
    watchdog, late = Watchdog(), Event()
    with watchdog.guard(Deadline.after(0.01), late.set):
        pass
    assert not late.wait(0.2)
