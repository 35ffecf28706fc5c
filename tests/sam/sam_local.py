"""Runs functions of the built application in Lambda containers, as `sam local` does."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.build import ROOT

SAM = str(Path(sys.executable).with_name("sam"))
HOST = "127.0.0.1"
OFFLINE = {  # with credentials of any kind, sam asks AWS for the account and hands them to the container
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
    "SAM_CLI_TELEMETRY": "0",
    "SAM_CLI_ENABLE_LANGUAGE_EXTENSIONS": "1",  # samconfig.toml says so where the template lies beside it
}
STARTING_SECONDS = 120  # the first start packs the layers, over 100 MB, into an image
STOPPING_SECONDS = 30


def docker(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Runs the Docker client and returns what it did, failures included.

    Raises:
        OSError: There is no Docker client.
        subprocess.TimeoutExpired: It took longer than `seconds`.
    """
    command = ["docker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)  # noqa: S603 - ours


@dataclass(frozen=True)
class Run:
    """One running `sam local`: its process, what it answers and what it logs."""

    process: subprocess.Popen[bytes]
    output: Path
    log: Path

    def stop(self) -> None:
        """Ends the process, and removes containers that it left."""
        self.process.terminate()
        try:
            self.process.wait(STOPPING_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for container in re.findall(r"SAM_CONTAINER_ID: (\w+)", self.log.read_text()):
            docker("rm", "--force", "--volumes", container)


@dataclass(frozen=True)
class SamLocal:
    """`sam local` on one built application and one base image, perhaps in a network of Docker's."""

    template: Path
    image: str
    network: str | None = None

    def invoke(self, function: str, event: Path) -> dict[str, Any]:
        """Invokes a function with an event; returns its answer as Lambda would hand it to API Gateway."""
        with self._run("invoke", function, "--event", str(event)) as run:
            assert run.process.wait(STARTING_SECONDS) == 0, run.log.read_text()
            answer: dict[str, Any] = json.loads(run.output.read_text())
            assert "errorMessage" not in answer, f"{answer}\n{run.log.read_text()}"
            return answer

    @contextmanager
    def api(self) -> Iterator[str]:
        """Serves the application's API until the block ends; yields its `host:port`."""
        port = str(_free_port())
        with self._run("start-api", "--host", HOST, "--port", port, "--warm-containers", "LAZY") as run:
            _wait_until_live(f"http://{HOST}:{port}/v2/health/live", run)
            yield f"{HOST}:{port}"

    @contextmanager
    def _run(self, *arguments: str) -> Iterator[Run]:
        with tempfile.TemporaryDirectory() as directory:
            output, log = Path(directory, "output"), Path(directory, "log")
            with output.open("wb") as stdout, log.open("wb") as stderr:
                process = subprocess.Popen(  # noqa: S603 - ours
                    [SAM, "local", *arguments, *self._options()],
                    stdout=stdout,
                    stderr=stderr,
                    cwd=ROOT,
                    env=_environment(),
                )
            run = Run(process, output, log)
            try:
                yield run
            finally:
                run.stop()

    def _options(self) -> list[str]:
        application = ["--template", str(self.template), "--invoke-image", self.image, "--skip-pull-image"]
        no_bucket = ["--parameter-overrides", "ModelRepository=/opt/models"]  # the container reaches no AWS
        network = ["--docker-network", self.network] if self.network else []
        return [*application, *no_bucket, *network]


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | OFFLINE


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_live(url: str, run: Run) -> None:
    end = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < end and run.process.poll() is None:
        try:
            if httpx.get(url, timeout=STARTING_SECONDS, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"sam local start-api does not answer:\n{run.log.read_text()}")
