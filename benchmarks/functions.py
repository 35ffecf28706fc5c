"""The other functions and their first events, over an account that answers on loopback."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from moto import mock_aws

from tests.integration.s3_server import S3Server
from tests.support.realtime import Call
from tests.trace import HANDLERS, ROOT, Stack, environment


class Function(NamedTuple):
    """A function that is started.

    Attributes:
        name: What its case is called.
        handler: Module of its handler.
        prepare: Prepares an event, and returns the call that would process it here.
        runs: Whether it opens a model for it.
    """

    name: str
    handler: str
    prepare: Callable[[Stack], partial[Any]]
    runs: bool = False


def _sweep(_: Stack) -> partial[Any]:
    return partial(dict, "keeper", json.loads((ROOT / "events/job-sweep.json").read_text(encoding="utf-8")))


FUNCTIONS = (
    Function("jobs: a submission", "jobs_handler", Stack.submit),
    Function("worker: a job", "worker_handler", Stack.deliver, runs=True),
    Function("keeper: a sweep", "keeper_handler", _sweep),
    Function("uploads: a small file", "upload_handler", Stack.drop, runs=True),
    Function("steps: a chunk", "steps_handler", Stack.chunk, runs=True),
    Function("batches: a submission", "batches_handler", Stack.batch),
)


class Account:
    """An account on loopback, with what the template creates in it.

    Attributes:
        environment: Variables of functions that call it.
        handlers: Directories of the functions.
    """

    def __init__(self, stack: Stack, server: S3Server) -> None:
        self._stack = stack
        self._server = server
        self.environment = {**environment(), "AWS_ENDPOINT_URL": server.url}
        self.handlers = [path for path in HANDLERS.iterdir() if path.is_dir()]

    def write_events(self, function: Function, directory: Path, number: int) -> None:
        """Writes as many events as processes will be started."""
        directory.mkdir()
        for index in range(number):
            event = _event(function.prepare(self._stack))
            (directory / f"{index:04}.json").write_text(json.dumps(event), encoding="utf-8")

    @contextmanager
    def services(self) -> Generator[set[str]]:
        """Yields the services that are called meanwhile."""
        called: set[str] = set()
        self._server.before = lambda request: called.add(request.service)
        yield called
        self._server.reset()


@contextmanager
def account() -> Generator[Account]:
    """Makes an account, for as long as it is measured."""
    paths = [str(path) for path in HANDLERS.iterdir() if path.is_dir()]
    server = S3Server()
    try:
        with (
            mock.patch.dict(os.environ, environment()),
            mock.patch.object(sys, "path", [*paths, *sys.path]),
            mock_aws(),
            redirect_stdout(io.StringIO()),
        ):
            yield Account(Stack(), server)
    finally:
        server.stop()


def _event(run: partial[Any]) -> Mapping[str, Any]:
    """Returns the event of a call that `Stack` prepared."""
    name, (first, *rest) = run.func.__name__, run.args
    if name == "_http":
        resource, body, content_type = rest
        path = {"model": "penguins"} if "{model}" in resource else {}
        return Call("POST", resource, path, {"Content-Type": content_type}, body=body).event()
    if name == "_step":
        return {"step": first, **run.keywords}
    event: Mapping[str, Any] = rest[0]
    return event
