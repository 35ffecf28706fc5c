"""What the endpoints of jobs work with."""

from __future__ import annotations

from typing import NamedTuple

from triptych.clock import Clock
from triptych.jobs.options import OptionLimits
from triptych.jobs.payloads import InputStore, ResultStore
from triptych.jobs.service import Desk, Submitter
from triptych.models.repository import ModelRepository


class JobServices(NamedTuple):
    """What the endpoints of jobs work with.

    Attributes:
        repository: Knows which models there are.
        submitter: Accepts jobs.
        desk: Serves callers who have jobs.
        inputs: Keeps inputs.
        results: Keeps results.
        limits: What options may be.
        clock: Tells the time.
    """

    repository: ModelRepository
    submitter: Submitter
    desk: Desk
    inputs: InputStore
    results: ResultStore
    limits: OptionLimits
    clock: Clock
