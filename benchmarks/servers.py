"""Latency and throughput of servers on this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from benchmarks.harness.command import answer
from benchmarks.harness.load import Endpoint, Refused, ask, load
from benchmarks.harness.measuring import Effort, spread
from benchmarks.harness.result import Figure, Missing, Result
from benchmarks.models import ROOT, TINY, file_of, repository
from benchmarks.requests import tiny_row

_INFER = "/v2/models/tiny/infer"
_SECONDS = 120
"""Timeout of the start of a server."""

_NOTES = [
    "All run the model in one process with one thread, where that can be configured.",
    "triptych is not a server: its handler runs on uvicorn, with an event of API Gateway for each request.",
    "Client and servers share the processors, and all run at the same time, on 127.0.0.1.",
]


class Peer(NamedTuple):
    """A server.

    Attributes:
        name: What it is called.
        folder: Its folder; with requirements, it has an environment of its own.
        path: Where it takes requests.
    """

    name: str
    folder: str
    path: str = _INFER


PEERS = [
    Peer("triptych on uvicorn", "triptych"),
    Peer("FastAPI + uvicorn", "fastapi"),
    Peer("LitServe", "litserve", "/predict"),
    Peer("BentoML", "bentoml", "/infer"),
    Peer("MLServer", "mlserver"),
    Peer("Triton (PyTriton)", "pytriton"),
]


class NotServing(RuntimeError):
    """A server could not be installed or started."""


def servers(effort: Effort, peers: list[Peer] = PEERS) -> Result:
    """Measures latency and throughput of servers."""
    missing: list[Missing] = []
    with TemporaryDirectory() as directory, ExitStack() as stack:
        model = file_of(repository(Path(directory) / "models", TINY), TINY)
        up: dict[str, Endpoint] = {}
        for peer in peers:
            try:
                up[peer.name] = stack.enter_context(served(peer, model, Path(directory)))
            except NotServing as error:
                missing.append(Missing(peer.name, str(error)))
        _check(up)
        figures = _figures(up, effort)
    effort_name = "full" if effort.full else "quick"
    return Result("servers", "Servers", effort_name, figures, missing=missing, notes=_NOTES)


@contextmanager
def served(peer: Peer, model: Path, directory: Path) -> Iterator[Endpoint]:
    """Starts a server, and ends it after the block.

    Args:
        peer: Which.
        model: The `.onnx` file.
        directory: Where its log goes.

    Raises:
        NotServing: It could not be installed, or does not answer; with the end of what it wrote.
    """
    interpreter = installed(peer)
    endpoint = Endpoint(_free_port(), peer.path, tiny_row())
    script = ROOT / "benchmarks/peers" / peer.folder / "server.py"
    log = directory / f"{peer.folder}.log"
    environment = {
        "PATH": f"{interpreter.parent}:{os.environ['PATH']}",
        "HOME": str(directory),
        "PYTHONPATH": "" if _requirements(peer).exists() else f"{ROOT}:{ROOT / 'layers/triptych'}",
        "DO_NOT_TRACK": "1",
        "BENTOML_DO_NOT_TRACK": "True",
    }
    with log.open("wb") as written:
        process = subprocess.Popen(  # noqa: S603 - ours
            [str(interpreter), str(script), str(model), str(endpoint.port)],
            env=environment,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # what it starts ends with it
        )
    try:
        _wait(process, endpoint, log)
        yield endpoint
    finally:
        _end(process)


def installed(peer: Peer) -> Path:
    """Installs a server into an environment of its own, unless it exists, and returns its interpreter.

    Raises:
        NotServing: It cannot be installed.
    """
    requirements = _requirements(peer)
    if not requirements.exists():
        return Path(sys.executable)
    environment = ROOT / ".bench" / peer.folder
    python = environment / "bin/python"
    _uv("venv", "--quiet", "--allow-existing", "--python", sys.executable, str(environment))
    _uv("pip", "sync", "--quiet", "--no-build", "--python", str(python), str(requirements))
    return python


def _uv(*arguments: str) -> None:
    uv = os.environ.get("UV", "uv")  # the one that runs this, which need not be on the path
    done = subprocess.run([uv, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise NotServing(f"cannot be installed: {_end_of(done.stderr)}")


def _requirements(peer: Peer) -> Path:
    return ROOT / "benchmarks/peers" / peer.folder / "requirements.txt"


def _wait(process: subprocess.Popen[bytes], endpoint: Endpoint, log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while True:
        try:
            ask(endpoint)
        except Refused as error:
            if process.poll() is not None or time.monotonic() > end:
                wrote = _end_of(log.read_text(encoding="utf-8", errors="replace"))
                raise NotServing(f"does not answer: {error}; {wrote}") from error
            time.sleep(0.2)
        else:
            return


def _end_of(text: str) -> str:
    """Returns the last of what was written, without the names of this machine's directories."""
    return text.strip()[-300:].replace(str(ROOT), ".")


def _end(process: subprocess.Popen[bytes]) -> None:
    for ending in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, ending)
        except ProcessLookupError:
            break
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _check(up: Mapping[str, Endpoint]) -> None:
    answers = {name: json.loads(ask(endpoint))["outputs"][0]["data"] for name, endpoint in up.items()}
    first = next(iter(answers.values()))
    for name, values in answers.items():
        if not np.allclose(np.ravel(values), first, rtol=1e-5):
            raise NotServing(f"{name} does not answer as the others do")


def _figures(up: Mapping[str, Endpoint], effort: Effort) -> list[Figure]:
    for endpoint in up.values():
        load(endpoint, 2, effort.seconds)
    alone: dict[str, list[list[float]]] = {name: [] for name in up}
    rates: dict[str, list[list[float]]] = {name: [] for name in up}
    for _ in range(effort.rounds):
        for name, endpoint in up.items():
            alone[name].append(load(endpoint, 1, effort.seconds).seconds)
            rates[name].append([load(endpoint, 8, effort.seconds).rate])
    one, many = "tiny model, one row, one caller", "tiny model, one row, 8 callers"
    return [
        *(Figure(one, name, "s", spread(runs)) for name, runs in alone.items()),
        *(Figure(many, name, "requests/s", spread(runs)) for name, runs in rates.items()),
    ]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    answer(servers)
