"""The emulator of AWS as a process of its own, which lives on when the command that started it has ended."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from local.aws import Aws, environment
from local.failure import LocalFailure, tail

FIRST_PORT = 4566  # where users of such emulators expect one
START_SECONDS = 60
STARTING = Path(tempfile.gettempdir()) / f"triptych-emulator-{os.getuid()}.lock"
STOP_SECONDS = 10


@dataclass(slots=True)
class Emulator:
    """An emulator that keeps its files in one directory.

    The process holds a lock on a file as long as it lives, so a number that was left behind in the process
    file is never taken for a process of ours.

    Attributes:
        directory: Where its log, lock, process file and temporary files are.
        authorize: Whether it checks signatures and the permissions of roles, as AWS does.
    """

    directory: Path
    authorize: bool = False
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        """The file that it writes its log to."""
        return self.directory / "emulator.log"

    @property
    def process_file(self) -> Path:
        """The file that holds its process id and its port."""
        return self.directory / "emulator.pid"

    @property
    def temporary(self) -> Path:
        """The directory that it unpacks functions and layers into."""
        return self.directory / "emulator"

    def running(self) -> bool:
        """Check whether the process lives."""
        if not self.process_file.exists():
            return False
        with self._lock_file().open("w") as lock:
            return not _try_lock(lock.fileno())

    def aws(self) -> Aws:
        """Return the clients of the running emulator."""
        return Aws(f"http://127.0.0.1:{self._process()[1]}")

    def start(self) -> None:
        """Start it on the first free port and wait until it answers.

        Raises:
            LocalFailure: It ended or did not answer in time.
        """
        self.temporary.mkdir(parents=True, exist_ok=True)
        with STARTING.open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)  # two that start at once would find the same port free
            self._start(free_port())

    def stop(self) -> None:
        """Stop it with all that it started, and delete its temporary files."""
        if self.running():
            for number in (signal.SIGTERM, signal.SIGKILL):
                os.killpg(self._process()[0], number)
                if self._ended():
                    break
        if self._child:
            self._child.wait()
        self.process_file.unlink(missing_ok=True)
        shutil.rmtree(self.temporary, ignore_errors=True)

    def _start(self, port: int) -> None:
        with self._lock_file().open("w") as lock, self.log.open("w") as log:
            _try_lock(lock.fileno())
            self._child = subprocess.Popen(  # noqa: S603 - nothing of the command is input
                [sys.executable, "-P", str(Path(__file__).with_name("corrected_emulator.py"))],
                env=environment() | self._settings(port),
                cwd=self.temporary,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[lock.fileno()],
                start_new_session=True,
            )
        self.process_file.write_text(f"{self._child.pid} {port}\n")
        self._wait(self._child)

    def _settings(self, port: int) -> dict[str, str]:
        return {
            "BIND_HOST": "127.0.0.1",  # it binds every interface otherwise
            "GATEWAY_PORT": str(port),
            "AUTH": str(self.authorize).lower(),
            "IOT_MTLS_ENABLED": "0",  # they open ports that nothing here needs
            "SFTP_ENABLED": "0",
            "TMPDIR": str(self.temporary),
            "MODEL_CACHE": str(self.temporary / "models"),  # functions inherit it: no two emulators share one
        }

    def _process(self) -> tuple[int, int]:
        pid, port = self.process_file.read_text().split()
        return int(pid), int(port)

    def _lock_file(self) -> Path:
        return self.directory / "emulator.lock"

    def _wait(self, child: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while child.poll() is None and time.monotonic() < deadline:
            if _answers(self.aws().endpoint_url):
                return
            time.sleep(0.2)
        self.stop()
        raise LocalFailure(f"the emulator did not start; the end of {self.log}:\n{tail(self.log)}")

    def _ended(self) -> bool:
        deadline = time.monotonic() + STOP_SECONDS
        while self.running():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


def free_port() -> int:
    """Find the first port from FIRST_PORT on that is free."""
    for port in range(FIRST_PORT, FIRST_PORT + 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise LocalFailure(f"no port from {FIRST_PORT} to {FIRST_PORT + 199} is free")


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _answers(endpoint_url: str) -> bool:
    try:
        return httpx.get(f"{endpoint_url}/_ministack/health", trust_env=False).is_success
    except httpx.TransportError:
        return False
