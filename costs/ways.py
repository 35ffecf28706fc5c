"""Ways to have predictions, and what each is charged for."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, exp
from typing import NamedTuple

from triptych.batches import estimate as own

from costs import prices

MILLION = 10**6
MEMORY = 1769  # megabytes of a function, which has one processor then
SUBMITTING = 512 / 1024  # gigabytes of the function that takes jobs
COLD_SHARE = 0.01
PAYLOAD = 2048  # bytes of a request and its answer
LOG_LINE = 1536  # bytes of a request: of the function, of the access log, and of Lambda itself
LAMBDA_LOG = 640  # bytes of an invocation: Lambda's lines of its start and of its report
SUBMITTED_LOG = 440  # bytes of a job that was submitted; tests count this, and what follows
WORKER_LOG = 690  # bytes of a job in the worker, ten an invocation
CALL = 0.01  # seconds of a call of another service
RECORD_WRITES = 6  # units of the record and its two indexes: submitted 3, started 1, succeeded 2
RECORD_READS = 2  # units: by the worker, and with the result
REAL_TIME_METRICS, JOB_METRICS = 5, 11  # names of each model
CHUNK_TRANSITIONS = 4  # states of the child of a chunk, and its start
NIGHT_TRANSITIONS = 9  # of a batch and its start, and of the child that joins the parts of a file
TRACED = 0.05  # of requests beyond the first of each second, which X-Ray records by default
HOURS, NIGHTS = 730, 30
PEAK = 3
START_HOURS = 4 / 60
ROWS_A_CHUNK = 2**26 // 160  # 20 numbers of CSV in each


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
        """Returns the resources of a million predictions.

        Args:
            traffic: Predictions a month.
        """
        every = [item._replace(amount=item.amount * MILLION) for item in self.each]
        share = MILLION / traffic
        return every + [item._replace(amount=item.amount * share) for item in self.monthly(traffic)]

    def dollars(self, traffic: int) -> float:
        """Returns the price of a million predictions in US dollars.

        Args:
            traffic: Predictions a month.
        """
        return sum(item.dollars for item in self.of_a_million(traffic))


def real_time(seconds: float, cold: float, memory: int = MEMORY) -> Way:
    """Makes our real-time mode.

    Args:
        seconds: Time of a warm request.
        cold: Time of a cold start.
        memory: Megabytes of the function.
    """
    time = _billed(seconds) + COLD_SHARE * cold

    def monthly(traffic: int) -> list[Item]:
        return _telemetry(traced(traffic), REAL_TIME_METRICS, traffic)

    return Way("triptych, real time", [*_entrance(), lambda_time(time, memory)], monthly)


def jobs(worker: float) -> Way:
    """Makes our asynchronous mode.

    Args:
        worker: Dollars of Lambda for the work of a million.
    """
    each = [
        *_entrance(),
        Item("Lambda GB seconds", 2 * CALL * SUBMITTING, own.LAMBDA_GB_SECOND),
        Item("worker", 1, worker / MILLION + own.LAMBDA_REQUEST / 10),
        Item("log of the job", (SUBMITTED_LOG + WORKER_LOG) / 2**30, prices.LOGS.dollars),
        Item("queue", 1.3, prices.QUEUE_REQUEST.dollars),  # sent; received, held back and deleted by tens
        Item("writes of the record", RECORD_WRITES, own.DYNAMODB_WRITE),
        Item("reads of the record", RECORD_READS, own.DYNAMODB_READ),
        Item("notification: topic", 0.1, prices.TOPIC_REQUEST.dollars),  # by tens
        Item("notification: event", 1, prices.EVENT.dollars),
    ]

    def monthly(traffic: int) -> list[Item]:
        return _telemetry(traced(traffic) + traced(traffic / 10), JOB_METRICS, traffic)

    return Way("triptych, jobs", each, monthly)


def batch(rate: float, memory: int = MEMORY) -> Way:
    """Makes our batch mode.

    Args:
        rate: Rows a second of a worker.
        memory: Megabytes of a worker.
    """
    each = [lambda_time(1 / rate, memory), *_steps("chunks", 1 / ROWS_A_CHUNK, CHUNK_TRANSITIONS)]
    nightly = _steps("nights", 2 * NIGHTS, NIGHT_TRANSITIONS / 2)  # plan and finish count as two chunks
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


def lambda_time(seconds: float, memory: int) -> Item:
    """Returns the time of a function with so many megabytes."""
    return Item("Lambda GB seconds", seconds * memory / 1024, own.LAMBDA_GB_SECOND)


def traced(requests: float) -> float:
    """Returns how many requests of a month X-Ray records, if they come evenly."""
    seconds = HOURS * 3600
    return min(requests, seconds) + TRACED * max(0.0, requests - seconds)


def _telemetry(traces: float, metrics: int, traffic: int) -> list[Item]:
    hours = HOURS * (1 - exp(-traffic / HOURS))  # with predictions: metrics are charged by them
    return [
        Item("traces", traces, prices.TRACE.dollars),
        Item("metrics", metrics * hours / HOURS, prices.METRIC.dollars),
    ]


def _entrance() -> list[Item]:
    return [
        Item("API Gateway", 1, prices.REST_REQUEST.dollars),
        Item("Lambda requests", 1, own.LAMBDA_REQUEST),
        Item("log line", LOG_LINE / 2**30, prices.LOGS.dollars),
    ]


def _nothing(_traffic: int) -> list[Item]:
    return []


def _always(items: list[Item]) -> Callable[[int], list[Item]]:
    def monthly(_traffic: int) -> list[Item]:
        return items

    return monthly


def _steps(what: str, chunks: float, transitions: float) -> list[Item]:
    return [
        Item(f"{what}: transitions", transitions * chunks, own.STEP_FUNCTIONS_TRANSITION),
        Item(f"{what}: objects", 4 * chunks, own.S3_PUT),
        Item(f"{what}: Lambda requests", 3 * chunks, own.LAMBDA_REQUEST),
    ]


def _data() -> Item:
    return Item("data", PAYLOAD / 2**30, prices.ENDPOINT_DATA.dollars)


def _billed(seconds: float) -> float:
    return ceil(seconds * 1000) / 1000
