"""Calls to AWS that fail, happen twice, end the process, or that others get ahead of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError
from triptych.aws.clients import AwsClients

type Watcher = Callable[[str, dict[str, Any]], object]
"""Is told name and parameters of a call."""


class Crash(BaseException):
    """The end of the process."""


class Kind(Enum):
    """What happens to a call."""

    CRASH_BEFORE = "the process ends before it"
    CRASH_AFTER = "the process ends after it"
    THROTTLE = "it is refused"
    UNANSWERED = "it is made, but its answer is lost"
    REPEATED = "its answer is lost, and the client makes it again"
    OVERTAKEN = "others do something just before it"


@dataclass(frozen=True)
class Fault:
    """A fault of one call.

    Attributes:
        kind: What happens.
        number: To which call, from 1.
    """

    kind: Kind
    number: int


@dataclass
class Faults:
    """Stands between the clients of AWS and AWS.

    Attributes:
        exempt: Clients that nothing happens to: those of who plays.
        before: Is told every call before it is made.
        after: Is told every call that was made.
        fired: Whether the last fault came about.
    """

    exempt: AwsClients
    before: Watcher
    after: Watcher
    fired: bool = False
    _fault: Fault | None = None
    _meanwhile: Callable[[], object] | None = None
    _calls: int = 0
    _patch: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)

    def install(self) -> None:
        """Begins."""
        call = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001 - all calls pass here

        def made(client: BaseClient, name: str, parameters: dict[str, Any]) -> object:
            if client in vars(self.exempt).values():
                return call(client, name, parameters)

            def real() -> object:
                self.before(name, parameters)
                answer: object = call(client, name, parameters)
                self.after(name, parameters)
                return answer

            return self._through(name, real)

        self._patch.setattr(BaseClient, "_make_api_call", made)

    def remove(self) -> None:
        """Ends."""
        self._patch.undo()

    @contextmanager
    def during(self, fault: Fault | None, meanwhile: Callable[[], object]) -> Generator[None]:
        """Lets a fault come about.

        Args:
            fault: The fault.
            meanwhile: What others do where they get ahead.
        """
        self._fault, self._meanwhile, self._calls, self.fired = fault, meanwhile, 0, False
        try:
            yield
        finally:
            self._fault = None

    def _through(self, name: str, real: Callable[[], object]) -> object:
        fault = self._fault
        # Calls of several threads have no order, and a thread that ended would be waited for.
        if fault is None or threading.current_thread() is not threading.main_thread():
            return real()
        self._calls += 1
        if self._calls != fault.number:
            return real()
        self._fault, self.fired = None, True
        return self._failed(fault.kind, name, real)

    def _failed(self, kind: Kind, name: str, real: Callable[[], object]) -> object:
        match kind:
            case Kind.CRASH_BEFORE:
                raise Crash
            case Kind.CRASH_AFTER:
                real()
                raise Crash
            case Kind.THROTTLE:
                raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slower"}}, name)
            case Kind.UNANSWERED:
                real()
                raise ReadTimeoutError(endpoint_url="https://aws.example")
            case Kind.REPEATED:
                real()
                return real()
            case Kind.OVERTAKEN:
                assert self._meanwhile
                self._meanwhile()
                return real()
