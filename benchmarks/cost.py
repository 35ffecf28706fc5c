"""What do a million predictions cost, in each mode and on SageMaker, and from which traffic on?"""

from __future__ import annotations

from benchmarks.harness.command import answer
from benchmarks.harness.measuring import Effort, Spread
from benchmarks.harness.result import RESULTS, Figure, Result, load
from costs import prices
from costs.ways import (
    HOURS,
    MILLION,
    Way,
    batch,
    batch_transform,
    endpoint,
    jobs,
    real_time,
    serverless,
)

LEVELS = [10**power for power in range(3, 10)]
"""Predictions a month."""

_NOTES = [
    (
        f"List prices of us-east-1 as known on {prices.AS_OF}, without free tiers, of the pages named "
        "in `costs/prices.py` and from `batches/estimate.py`. AWS's own pages could not be "
        "opened to compare: check them."
    ),
    "A prediction is one row of 20 numbers or fewer, 2 KB there and back, for a tiny model.",
    (
        "Times are those of this page, so those of one machine. Lambda counts whole milliseconds; one"
        " call of a hundred is a cold start, for us and for Serverless alike; a call of another "
        "service takes 10 ms."
    ),
    "Real time: a request of API Gateway and of Lambda, the time, log lines of 1.5 KB.",
    (
        "Telemetry: X-Ray records the first request of each second and a twentieth of the others, so all of "
        "a million a month that come evenly; metrics are those of one model, in hours with predictions."
    ),
    (
        "Jobs, 10 an invocation: API Gateway, two calls while it is submitted, queue, 6 write units of the"
        " record and its indexes and 2 read units, a notification, 2.6 KB of log lines, counted by a test;"
        " the result, of up to 4 KB, is part of the record. Status by HTTP is a request in real time more."
    ),
    (
        "Batch: one file each night; Lambda, and for each chunk 4 transitions, 4 objects and 3 "
        "requests; plan and finish count as two chunks, with 9 transitions. A test counts transitions."
    ),
    (
        "Endpoint: ml.m5.large that is always up, and as many as three times the mean traffic needs "
        "at the rate of FastAPI with 8 callers. Asynchronous endpoints cost the same while they are "
        "up."
    ),
    (
        "Serverless: 2 GB for the time that FastAPI takes. It has no price for a request, but callers"
        " sign; most of the difference to us is API Gateway and traces."
    ),
    (
        "Batch Transform: one job each night, 4 minutes of starting, then mini-batches at the rate of"
        " this page."
    ),
    ("Not in: metrics of batches, storage, traffic out of AWS, provisioned concurrency."),
]


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
    """Describes the traffic from which another way is cheaper than ours."""
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


def _figure(case: str, name: str, dollars: float) -> Figure:
    return Figure(case, name, "$", Spread(dollars, dollars, dollars, dollars))


if __name__ == "__main__":
    answer(cost)
