"""Stands for Lambda on loopback: runs the inference function in a process, for functions that call it.

Arguments: `warm` for a process that has answered before, `fresh` for a new one for each front that starts.
Writes its port.
"""

from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

_WORKER = Path(__file__).with_name("inference_worker.py")
_DESCRIBES = b'"httpMethod":"GET"'


class Worker:
    """An environment of the inference function."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-S", "-P", str(_WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def answer(self, event: bytes) -> bytes:
        """Passes an event to it."""
        assert self._process.stdin is not None  # noqa: S101 - asked for
        assert self._process.stdout is not None  # noqa: S101 - asked for
        self._process.stdin.write(event + b"\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().rstrip(b"\n")

    def end(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()


def serve(*, fresh: bool) -> None:
    """Serves until it is ended.

    Args:
        fresh: Whether each description of a model, which is a front's first call, has a process of its own.
    """
    workers: list[Worker] = []
    one_at_a_time = Lock()  # as an environment works

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            event = self.rfile.read(int(self.headers["Content-Length"]))
            with one_at_a_time:
                if not workers or (fresh and _DESCRIBES in event):
                    for worker in workers:
                        worker.end()
                    workers[:] = [Worker()]
                answer = workers[0].answer(event)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n".encode()
            self.wfile.write(head + answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as the base class has it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve(fresh=sys.argv[1] == "fresh")
