"""Time and cost of batches, before and after they ran.

Prices are AWS's list prices of us-east-1 as of November 2026, in US dollars, without free tiers. Bills
differ: look prices up before you rely on them.
"""

from __future__ import annotations

from math import ceil
from typing import Final, NamedTuple

_MILLION: Final = 1_000_000

LAMBDA_GB_SECOND: Final = 0.0000166667
LAMBDA_REQUEST: Final = 0.20 / _MILLION
S3_PUT: Final = 5.0 / _MILLION  # also a part of an upload, a copy, a list
S3_GET: Final = 0.40 / _MILLION
DYNAMODB_WRITE: Final = 0.625 / _MILLION  # of 1 KB, on demand
DYNAMODB_READ: Final = 0.125 / _MILLION  # of 4 KB, on demand; consistent
STEP_FUNCTIONS_TRANSITION: Final = 25.0 / _MILLION  # Standard workflows, children of a map included
SNS_AND_EVENTBRIDGE: Final = 1.50 / _MILLION  # one message each


BYTES_PER_SECOND: Final = 4_000_000
"""Of input, that a worker transforms where nothing is known of the model; most of the time is the model's."""

CONCURRENCY: Final = 40
"""Chunks that are transformed at once, by default."""

LOOKUP_WRITES: Final = 1_250
"""Predictions that one worker can write for lookups in a second: requests of 25, each of about 20 ms."""

_START_SECONDS: Final = 5.0  # a cold start, opening the model, planning
_BLOCK: Final = 8 << 20  # bytes of one ranged read, and of one part of an upload
_WRITES_PER_CHUNK: Final = 4  # attempt, part, outcome, and a change of the record
_READS_PER_CHUNK: Final = 6
_TRANSITIONS_PER_CHUNK: Final = (
    5  # start of the child, transform, choice, end, and now and then a second round
)
_TRANSITIONS: Final = 10  # of the batch itself
_WORKERS_BESIDE: Final = 3  # plan, merge, finish


class Work(NamedTuple):
    """What there is to do, or was done.

    Attributes:
        memory: Megabytes of each worker.
        written: Bytes of output; as many as of plain input where that is not known.
        plain: Bytes of input, decompressed; `size` where that is not known.
        images: How many images are read, each by a request.
    """

    size: int
    files: int
    chunks: int
    memory: int
    lookups: int = 0
    written: int | None = None
    plain: int | None = None
    images: int = 0

    @property
    def text(self) -> int:
        """Bytes that workers deal with."""
        return self.size if self.plain is None else self.plain

    @property
    def distributed(self) -> bool:
        """Whether the state machine does it."""
        return self.chunks > 1 or self.files > 1


class Cost(NamedTuple):
    """What something costs, in US dollars; records are DynamoDB, and the notification of the end."""

    compute: float
    storage: float
    records: float
    orchestration: float

    @property
    def total(self) -> float:
        """The sum."""
        return sum(self)

    def described(self) -> dict[str, float]:
        """Returns the amounts by name, to a millionth of a dollar, and their sum."""
        amounts = {**self._asdict(), "total": self.total}
        return {f"{name}_usd": round(amount, 6) for name, amount in amounts.items()}


class Estimate(NamedTuple):
    """Seconds from the first to the last worker of a plan, and what it costs."""

    seconds: float
    cost: Cost


def estimate(
    work: Work,
    pace: float = BYTES_PER_SECOND,
    concurrency: int = CONCURRENCY,
    lookup_writes: float = LOOKUP_WRITES,
) -> Estimate:
    """Guesses how long a plan takes and what it costs.

    Pace is bytes of input, lookup writes are predictions: of one worker in a second.
    """
    waves = ceil(work.chunks / concurrency)
    seconds = work.text / pace + work.lookups / min(lookup_writes, LOOKUP_WRITES)
    busy = seconds + _START_SECONDS * min(work.chunks, concurrency)
    return Estimate(_START_SECONDS + waves * seconds / max(work.chunks, 1), cost_of(work, busy))


def cost_of(work: Work, seconds: float) -> Cost:
    """Returns what work costs for which workers are busy this long in total."""
    written = work.text if work.written is None else work.written
    invocations = work.chunks + (work.files + _WORKERS_BESIDE if work.distributed else 0)
    gets = (work.images or ceil(work.size / _BLOCK)) + 4 * work.chunks + 4 * work.files
    # Parts are written once, and copied into the output where there are several.
    puts = ceil(written / _BLOCK) * (2 if work.distributed else 1) + 2 * work.chunks + 4 * work.files
    writes = _WRITES_PER_CHUNK * work.chunks + 2 * work.files + work.lookups
    reads = _READS_PER_CHUNK * work.chunks
    transitions = _TRANSITIONS + _TRANSITIONS_PER_CHUNK * work.chunks if work.distributed else 0
    return Cost(
        compute=seconds * work.memory / 1024 * LAMBDA_GB_SECOND + invocations * LAMBDA_REQUEST,
        storage=gets * S3_GET + puts * S3_PUT,
        records=writes * DYNAMODB_WRITE + reads * DYNAMODB_READ + SNS_AND_EVENTBRIDGE,
        orchestration=transitions * STEP_FUNCTIONS_TRANSITION,
    )
