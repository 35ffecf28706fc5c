"""A small account in fast motion: more children of a Map than executions that Lambda allows at once."""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

THROTTLED = "Lambda.TooManyRequestsException"


class Load(NamedTuple):
    """What the children of a Map do.

    Attributes:
        chunks: How many there are.
        seconds: How long the function takes for each.
        children: How many children run at once.
        slots: How many executions the account has.
    """

    chunks: int
    seconds: float
    children: int
    slots: int


class Outcome(NamedTuple):
    """What came of it.

    Attributes:
        lost: Chunks that were throttled too often.
        seconds: How long all took.
        attempts: The most calls that one chunk needed.
        calls: Calls of all chunks.
    """

    lost: int
    seconds: float
    attempts: int
    calls: int


def run(load: Load, retries: Sequence[Mapping[str, Any]], seed: int = 1) -> Outcome:
    """Runs all chunks; nothing fails but for want of a slot.

    A free slot goes to whoever calls first. The child that follows on one that has ended calls at once,
    before all that wait.

    Args:
        load: What there is to do.
        retries: `Retry` of the task, as the definition of the state machine has it.
        seed: Of the jitter.
    """
    jitter = random.Random(seed)  # noqa: S311 - no secret
    retry = next(retry for retry in retries if {THROTTLED, "States.TaskFailed"} & {*retry["ErrorEquals"]})
    waiting = iter(range(load.chunks))
    attempts = [0] * load.chunks
    events = [(0.0, chunk, "call") for _, chunk in zip(range(load.children), waiting, strict=False)]
    busy, lost, now = 0, 0, 0.0
    while events:
        now, chunk, event = heapq.heappop(events)
        ended = event == "end"
        busy -= ended
        if event == "call":
            attempts[chunk] += 1
            if busy < load.slots:
                busy += 1
                heapq.heappush(events, (now + load.seconds, chunk, "end"))
            elif attempts[chunk] > retry["MaxAttempts"]:
                lost += 1
                ended = True
            else:
                delay = retry["IntervalSeconds"] * retry["BackoffRate"] ** min(attempts[chunk] - 1, 60)
                longest = min(retry["MaxDelaySeconds"], delay)
                heapq.heappush(events, (now + jitter.uniform(0, longest), chunk, "call"))
        if ended and (following := next(waiting, None)) is not None:
            heapq.heappush(events, (now, following, "call"))
    return Outcome(lost, now, max(attempts), sum(attempts))
