"""The server over HTTP: what it is, whether it works, what it does not do, its documents."""

import errno
import json
from pathlib import Path
from typing import Never

import pytest
from triptych import __version__
from triptych.http.routes import realtime_routes

from tests.support.realtime import DOCUMENTS, Call, RealtimeFunction

MEMORY = ["/v2/systemsharedmemory", "/v2/cudasharedmemory"]
UNSUPPORTED = [
    ("POST", "/v2/repository/models/{model}/load"),
    ("POST", "/v2/repository/models/{model}/unload"),
    *((method, f"{memory}/{{proxy+}}") for memory in MEMORY for method in ("GET", "POST")),
    *((method, "/v2/trace/setting") for method in ("GET", "POST")),
    *((method, "/v2/models/{model}/trace/setting") for method in ("GET", "POST")),
    *((method, "/v2/logging") for method in ("GET", "POST")),
]


@pytest.fixture
def function(tmp_path: Path) -> RealtimeFunction:
    """The function over no models."""
    return RealtimeFunction(tmp_path)


def test_metadata(function: RealtimeFunction) -> None:
    """The server tells its name, version and extensions of the protocol."""
    metadata = function.get("/v2").json()
    assert ("triptych", __version__) == (metadata["name"], metadata["version"])
    assert {"binary_tensor_data", "classification", "statistics"} <= set(metadata["extensions"])


def test_health(function: RealtimeFunction, tmp_path: Path) -> None:
    """The server lives when it answers, and is ready when its models can be listed, be there none."""
    assert {"live": True} == function.get("/v2/health/live").json()
    assert {"ready": True} == function.get("/v2/health/ready").json()
    assert {"ready": True} == RealtimeFunction(tmp_path / "nowhere").get("/v2/health/ready").json()


def test_not_ready(function: RealtimeFunction, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A repository that cannot be read is not ready, with a reason and no path; the server lives on."""

    def unreadable(directory: Path) -> Never:
        raise PermissionError(errno.EACCES, "Permission denied", str(directory))

    monkeypatch.setattr(Path, "iterdir", unreadable)
    answer = function.get("/v2/health/ready")
    assert 200 == function.get("/v2/health/live").status
    assert (503, "a directory of models cannot be read: Permission denied") == (answer.status, answer.error)
    assert str(tmp_path) not in answer.error


@pytest.mark.parametrize(("method", "resource"), UNSUPPORTED)
def test_unsupported(function: RealtimeFunction, method: str, resource: str) -> None:
    """What means nothing on Lambda is refused in the protocol's form, with a reason."""
    answer = function.handle(Call(method, resource, {"model": "m", "proxy": "region/r/register"}).event())
    assert 501 == answer.status
    assert len(answer.error) > 20


@pytest.mark.parametrize("resource", sorted({resource for _, resource in realtime_routes()}))
def test_other_methods(function: RealtimeFunction, resource: str) -> None:
    """A method that a path does not take is told apart from a path that there is not."""
    path = {"model": "m", "version": "1", "proxy": "status"}
    for method in ("PUT", "DELETE", "PATCH"):
        assert 405 == function.handle(Call(method, resource, path).event()).status
        assert 404 == function.handle(Call(method, f"{resource}/more", path).event()).status


def test_documents(function: RealtimeFunction) -> None:
    """The API document and its page are served as they were built."""
    document, page = function.get("/openapi.json"), function.get("/docs")
    assert json.loads((DOCUMENTS / "openapi.json").read_bytes()) == document.json()
    assert "application/json" == document.headers["Content-Type"]
    assert (DOCUMENTS / "docs.html").read_bytes() == page.body
    assert "text/html; charset=utf-8" == page.headers["Content-Type"]


def test_index_of_nothing(function: RealtimeFunction) -> None:
    """A repository without models has an empty index."""
    assert [] == function.post("/v2/repository/index").json()
