"""What do a million predictions cost, in each mode and on SageMaker, and from which traffic on?"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import NamedTuple

from triptych.batches import prices as own

from benchmarks import prices
from benchmarks.harness.command import answer
from benchmarks.harness.measuring import Effort, Spread
from benchmarks.harness.result import RESULTS, Figure, Result, load

MILLION = 10**6
LEVELS = [10**power for power in range(3, 10)]
"""Predictions a month."""

GIGABYTES = 1769 / 1024  # of a function, which has one processor then
COLD_SHARE = 0.01
PAYLOAD = 2048  # bytes of a request and its answer
LOG_LINE = 1024
CALL = 0.01  # seconds of a call of another service
HOURS, NIGHTS = 730, 30
PEAK = 3
START_HOURS = 4 / 60
ROWS_A_CHUNK = 2**26 // 160  # 20 numbers of CSV in each

_NOTES = [
    (
        f"List prices of us-east-1 as known on {prices.AS_OF}, without free tiers, of the pages named "
        "in `benchmarks/prices.py` and from `batches/prices.py`. AWS's own pages could not be "
        "opened to compare: check them."
    ),
    "A prediction is one row of 20 numbers or fewer, 2 KB there and back, for a tiny model.",
    (
        "Times are those of this page, so those of one machine. Lambda counts whole milliseconds; one"
        " call of a hundred is a cold start, for us and for Serverless alike; a call of another "
        "service takes 10 ms."
    ),
    "Real time: a request of API Gateway and of Lambda, the time, a log line of 1 KB.",
    (
        "Jobs, 10 an invocation: API Gateway, two calls while it is submitted, queue, 4 writes of the"
        " record, a result that is put and read, a notification. Status by HTTP is a request in real "
        "time more."
    ),
    (
        "Batch: one file each night; Lambda, and for each chunk 4 transitions, 4 objects and 3 "
        "requests; plan and finish count as two chunks."
    ),
    (
        "Endpoint: ml.m5.large that is always up, and as many as three times the mean traffic needs "
        "at the rate of FastAPI with 8 callers. Asynchronous endpoints cost the same while they are "
        "up."
    ),
    (
        "Serverless: 2 GB for the time that FastAPI takes. It has no price for a request, but callers"
        " sign; nearly all of the difference to us is API Gateway."
    ),
    (
        "Batch Transform: one job each night, 4 minutes of starting, then mini-batches at the rate of"
        " this page."
    ),
    ("Not in: metrics ($0.30 a month for each), storage, traffic out of AWS, provisioned concurrency."),
]


class Item(NamedTuple):
    """Something that is charged.

    Attributes:
        what: What it is.
        amount: How much of it is taken.
        price: Dollars of one.
    """

    what: str
    amount: float
    price: float

    @property
    def dollars(self) -> float:
        """What it comes to."""
        return self.amount * self.price


class Way(NamedTuple):
    """A way to have predictions.

    Attributes:
        name: Its name.
        each: What one prediction takes.
        monthly: What a month takes beside that, of the predictions in it.
    """

    name: str
    each: list[Item]
    monthly: Callable[[int], list[Item]]

    def of_a_million(self, traffic: int) -> list[Item]:
        """Tells what a million predictions take.

        Args:
            traffic: Predictions a month.
        """
        every = [item._replace(amount=item.amount * MILLION) for item in self.each]
        share = MILLION / traffic
        return every + [item._replace(amount=item.amount * share) for item in self.monthly(traffic)]

    def dollars(self, traffic: int) -> float:
        """Tells the price of a million predictions in US dollars.

        Args:
            traffic: Predictions a month.
        """
        return sum(item.dollars for item in self.of_a_million(traffic))


def real_time(seconds: float, cold: float) -> Way:
    """Makes our real-time mode.

    Args:
        seconds: Time of a warm request.
        cold: Time of a cold start.
    """
    time = _billed(seconds) + COLD_SHARE * cold
    return Way("triptych, real time", [*_entrance(), _lambda_time(time)], _nothing)


def jobs(worker: float) -> Way:
    """Makes our asynchronous mode.

    Args:
        worker: Dollars of Lambda for the work of a million.
    """
    each = [
        *_entrance(),
        _lambda_time(2 * CALL),
        Item("worker", 1, worker / MILLION),
        Item("queue", 1.2, prices.QUEUE_REQUEST.dollars),  # sent; received and deleted by tens
        Item("writes of the record", 4, own.DYNAMODB_WRITE),
        Item("result put", 1, own.S3_PUT),
        Item("result read", 1, own.S3_GET),
        Item("notification", 1, own.SNS_AND_EVENTBRIDGE),
    ]
    return Way("triptych, jobs", each, _nothing)


def batch(rate: float) -> Way:
    """Makes our batch mode.

    Args:
        rate: Rows a second of a worker.
    """
    each = [_lambda_time(1 / rate), *_steps("chunks", 1 / ROWS_A_CHUNK)]
    nightly = _steps("nights", 2 * NIGHTS)
    return Way("triptych, batch", each, _always(nightly))


def endpoint(rate: float) -> Way:
    """Makes a SageMaker real-time endpoint.

    Args:
        rate: Requests a second of an instance.
    """

    def instances(traffic: int) -> list[Item]:
        needed = ceil(PEAK * traffic / (HOURS * 3600 * rate))
        return [Item("instance hours", max(1, needed) * HOURS, prices.INSTANCE_HOUR.dollars)]

    return Way("SageMaker endpoint", [_data()], instances)


def serverless(seconds: float, cold: float) -> Way:
    """Makes SageMaker Serverless Inference.

    Args:
        seconds: Time of a warm request.
        cold: Time of a cold start.
    """
    time = _billed(seconds) + COLD_SHARE * cold
    return Way(
        "SageMaker Serverless", [Item("time", time, prices.SERVERLESS_SECOND.dollars), _data()], _nothing
    )


def batch_transform(rate: float) -> Way:
    """Makes SageMaker Batch Transform.

    Args:
        rate: Rows a second of an instance.
    """
    hour = prices.INSTANCE_HOUR.dollars
    each = [Item("instance hours", 1 / rate / 3600, hour)]
    starts = [Item("starting", NIGHTS * START_HOURS, hour)]
    return Way("SageMaker Batch Transform", each, _always(starts))


def measured_ways() -> list[Way]:
    """Makes all of them, of what was measured last."""
    tiny, cold = "tiny model, one row", "fresh process to first answer, tiny model"
    start = _measured("cold_start", cold, "s", "triptych")
    million = "1,000,000 rows"
    return [
        real_time(_measured("warm_request", f"{tiny}, JSON", "s", "triptych"), start),
        jobs(_measured("jobs", _JOBS, "$", "triptych, grouped")),
        batch(_measured("batch", million, "rows/s", "triptych")),
        endpoint(_measured("servers", f"{tiny}, 8 callers", "requests/s", "FastAPI + uvicorn")),
        serverless(_measured("servers", f"{tiny}, one caller", "s", "FastAPI + uvicorn"), start),
        batch_transform(_measured("batch", million, "rows/s", "mini-batches over HTTP")),
    ]


def cost(effort: Effort) -> Result:
    """What do a million predictions cost, in each mode and on SageMaker, and from which traffic on?"""
    ways = measured_ways()
    figures = [
        _figure(f"{traffic:,} predictions a month", way.name, way.dollars(traffic))
        for traffic in LEVELS
        for way in ways
    ]
    for way in ways:
        items = way.of_a_million(MILLION)
        figures += [
            _figure(f"of it, {way.name}, a million a month", item.what, item.dollars) for item in items
        ]
    notes = [*_NOTES, crossing(ways[3], ways[0]), crossing(ways[4], ways[0]), crossing(ways[5], ways[2])]
    return Result(
        "cost", "Cost of a million predictions", "full" if effort.full else "quick", figures, notes=notes
    )


def crossing(other: Way, ours: Way) -> str:
    """Tells from which traffic on another way is cheaper than ours."""
    steps = [round(10 ** (power / 20)) for power in range(60, 201)]
    cheaper = [traffic for traffic in steps if other.dollars(traffic) < ours.dollars(traffic)]
    if not cheaper:
        return f"{other.name} is never cheaper than {ours.name}."
    if cheaper[0] == steps[0]:
        return f"{other.name} is cheaper than {ours.name} at any traffic."
    found, a_second = float(f"{cheaper[0]:.2g}"), cheaper[0] / (HOURS * 3600)
    return (
        f"{other.name} is cheaper than {ours.name} from about {found:,.0f} predictions a month on, "
        f"{a_second:.0f} a second all day."
    )


_JOBS = "a tiny model, 10 an invocation, Lambda's price of a million"


def _measured(question: str, case: str, unit: str, contestant: str) -> float:
    found = load(RESULTS / f"{question}.json").figure(case, unit, contestant)
    if found is None:
        raise LookupError(f"{question} has no figure of {contestant} for {case}; run make bench")
    return found.median


def _entrance() -> list[Item]:
    return [
        Item("API Gateway", 1, prices.REST_REQUEST.dollars),
        Item("Lambda requests", 1, own.LAMBDA_REQUEST),
        Item("log line", LOG_LINE / 2**30, prices.LOGS.dollars),
    ]


def _lambda_time(seconds: float) -> Item:
    return Item("Lambda GB seconds", seconds * GIGABYTES, own.LAMBDA_GB_SECOND)


def _nothing(_traffic: int) -> list[Item]:
    return []


def _always(items: list[Item]) -> Callable[[int], list[Item]]:
    def monthly(_traffic: int) -> list[Item]:
        return items

    return monthly


def _steps(what: str, chunks: float) -> list[Item]:
    return [
        Item(f"{what}: transitions", 4 * chunks, own.STEP_FUNCTIONS_TRANSITION),
        Item(f"{what}: objects", 4 * chunks, own.S3_PUT),
        Item(f"{what}: Lambda requests", 3 * chunks, own.LAMBDA_REQUEST),
    ]


def _data() -> Item:
    return Item("data", PAYLOAD / 2**30, prices.ENDPOINT_DATA.dollars)


def _billed(seconds: float) -> float:
    return ceil(seconds * 1000) / 1000


def _figure(case: str, name: str, dollars: float) -> Figure:
    return Figure(case, name, "$", Spread(dollars, dollars, dollars, dollars))


if __name__ == "__main__":
    answer(cost)
