"""Processes that end at some call to the outside, and what runs a batch again until it has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from triptych.batches.batch import Batch, upload_id
from triptych.batches.uploads import Upload
from triptych.clock import Deadline

from tests.support.batch_world import BatchWorld

NEVER = 10**9
TRIES = 12
COMPOSED = frozenset({"check_wanted", "checkpoint", "existing", "move", "search"})
"""Methods of stores that make several calls."""


class Crash(BaseException):
    """The process ended."""


@dataclass
class Fuse:
    """Ends the process at one call.

    Attributes:
        at: Which call, from 0.
        after: Whether what was called is done by then.
        calls: What was called so far.
    """

    at: int = NEVER
    after: bool = False
    calls: list[str] = field(default_factory=list[str])

    def around(self, outside: Any) -> Any:  # noqa: ANN401 - anything
        """Puts the fuse around something that lies outside of the process."""
        return _Fused(self, outside)

    def blow(self, *, after: bool) -> None:
        """Ends the process if it is time."""
        if len(self.calls) - 1 == self.at and after is self.after:
            raise Crash(self.calls[-1])


class _Fused:
    def __init__(self, fuse: Fuse, outside: Any) -> None:  # noqa: ANN401 - anything
        self._fuse = fuse
        self._outside = outside

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything
        if name in COMPOSED:  # what it calls is outside of the process, not itself
            return partial(getattr(type(self._outside), name), self)
        found = getattr(self._outside, name)
        return self._called(name, found) if callable(found) else found

    def _called(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - anything
            self._fuse.calls.append(name)
            self._fuse.blow(after=False)
            result = function(*arguments, **named)
            self._fuse.blow(after=True)
            return _Fused(self._fuse, result) if name == "create" else result

        return call


class Cloud:
    """SQS, Step Functions and Lambda: what ends without an answer is told again.

    Args:
        directory: Where the buckets are.
        fuse: Ends one process.
        direct_bytes: Bytes of a file that is transformed when it is dropped.

    Attributes:
        look: Is called when a process has ended, as others see the world then.
    """

    def __init__(self, directory: Path, fuse: Fuse, direct_bytes: int = 300) -> None:
        self.look: Callable[[], None] = lambda: None
        self.world = BatchWorld(directory, fuse.around, direct_bytes)

    def drop(self, key: str, body: bytes, wishes: Mapping[str, str] | None = None) -> Batch:
        """Drops a file, and gives its batch when it has ended."""
        found = self.world.inputs.drop(key, body, wishes)
        upload = Upload(key, found.version, found.etag)
        self.again(lambda: self._taken(upload))
        identity = upload_id(self.world.inputs.name, key, found.version or found.etag)
        if identity in self.world.workflow.started:
            self.execute(identity)
        return self.world.store.batches[identity]

    def execute(self, batch_id: str) -> None:
        """Runs the state machine."""
        plan = self._told(self.world.machine.plan, {"batch": batch_id})
        for chunk in self.world.listed(plan):
            answer: dict[str, Any] = {"batch": batch_id, "chunk": chunk, "done": False}
            while not answer["done"]:
                answer = self._told(self.world.machine.chunk, answer)
        for join in self.world.listed(plan, "joins"):
            self._told(self.world.machine.merge, {"batch": batch_id, "join": join})
        self._told(self.world.machine.merge, {"batch": batch_id, "finish": True})

    def again[T](self, work: Callable[[], T]) -> T:
        """Does something until a process lives to the end of it."""
        for _ in range(TRIES):
            try:
                return work()
            except Crash:
                self.look()
                self.world.clock.advance(100)  # leases are over by then
        raise AssertionError(f"not done after {TRIES} times")

    def _taken(self, upload: Upload) -> None:
        for _ in range(TRIES):
            if self.world.uploads.process(upload, Deadline.after(60)) is None:
                return
            self.world.clock.advance(100)
        raise AssertionError(f"still told after {TRIES} times")

    def _told(self, step: Callable[[Any, Deadline], Any], message: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        travelled = orjson.loads(orjson.dumps(message))
        return self.again(lambda: step(travelled, Deadline.after(60)))
