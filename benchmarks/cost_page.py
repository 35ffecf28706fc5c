"""Writes docs/cost.md and README's row of it from the result of `benchmarks.cost`."""

from __future__ import annotations

from benchmarks.harness.result import RESULTS, Result, load
from benchmarks.models import ROOT
from costs.prices import AS_OF
from costs.ways import MILLION

PAGE = ROOT / "docs/cost.md"
README = ROOT / "README.md"
OURS = ("triptych, real time", "triptych, jobs", "triptych, batch")
THEIRS = ("SageMaker endpoint", "SageMaker Serverless", "SageMaker Batch Transform")
MONTHLY = (1_000, 100_000, MILLION, 10 * MILLION, 100 * MILLION, 1000 * MILLION)
GLANCE = 10 * MILLION

_TEXT = """# Cost

Dollars a month, by predictions a month. A prediction is one row of 20 numbers or fewer for a small model;
in real time and in jobs each prediction is a separate request.

{months}

List prices of us-east-1 as of {as_of}, without free tiers; check them before you rely on them. The times
are measured ([benchmarks](benchmarks.md#cost-of-a-million-predictions) has all assumptions), the rest is
arithmetic. `python -m benchmarks.cost_page` writes this page.

Beyond 333 million requests a month API Gateway charges less than the table assumes.

## Parts of the price of a million predictions

{parts}

Traces are those of X-Ray, which records the first request of each second and a twentieth of the others: the
less traffic, the larger the share that is recorded. Metrics are $0.30 a month for each name and model.

A batch is one file each night here. Nearly all of its cents are state transitions of Step Functions and
objects in S3, which grow with nights and not with rows. Idempotency keys cost nothing.

Many rows in one request or job cost one request: with 100 rows each, a million predictions cost a
hundredth of the table, except for the time of the model. A million rows stored for
[lookups](batch.md#lookups) cost $0.63 more for each KB of a prediction.

## Where SageMaker is cheaper

- **Serverless Inference is cheaper than the real-time mode at any traffic**: {serverless} against
  {real_time} for a million small predictions. It has no price per request. **{gateway} of ours is API
  Gateway**, which provides API keys, usage plans, throttles and plain HTTP; callers of SageMaker sign their
  requests.
- {endpoint}
- {transform}

## Cost without any predictions

- Clean-up of jobs, every five minutes: 8,640 runs of a second a month, less than $0.20.
- Lambda polls the queues: up to five long polls of 20 seconds at a time, so about 650,000 requests or $0.26
  a month and queue beyond the free million. (From memory of SQS and Lambda; not measured.)
- Alarms, $0.10 each a month beyond the first ten, and the dashboard, $3 a month beyond the first three.
- Stored models, results and logs: $0.023 and $0.03 a GB and month.
- `SnapStart=PublishedVersions` stores a snapshot, which costs as long as it exists.
"""


def page(result: Result) -> str:
    """Makes the page.

    Args:
        result: What `benchmarks.cost` found.
    """
    notes = [note for note in result.notes if " cheaper than " in note]
    endpoint, transform = (next(note for note in notes if note.startswith(name)) for name in THEIRS[::2])
    return _TEXT.format(
        months=_table(["predictions a month", *OURS, *THEIRS], [_month(result, month) for month in MONTHLY]),
        as_of=AS_OF,
        parts=_table(["what", "dollars"], [row for way in OURS[:2] for row in _parts(result, way)]),
        serverless=_dollars(_of_a_million(result, MILLION, THEIRS[1])),
        real_time=_dollars(_of_a_million(result, MILLION, OURS[0])),
        gateway=f"{_gateway(result):.0%}",
        endpoint=endpoint,
        transform=transform,
    )


def glance(result: Result) -> str:
    """Makes the rows that README shows of the page: ten million predictions a month."""
    columns = [*OURS, *THEIRS]
    return _table(columns, [_month(result, GLANCE)[1:]])


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _month(result: Result, traffic: int) -> list[str]:
    millions = traffic / MILLION
    found = [_of_a_million(result, traffic, way) * millions for way in (*OURS, *THEIRS)]
    return [f"{traffic:,}", *map(_dollars, found)]


def _of_a_million(result: Result, traffic: int, way: str) -> float:
    found = result.figure(f"{traffic:,} predictions a month", "$", way)
    if found is None:
        raise LookupError(f"there is no figure of {way} at {traffic}; run python -m benchmarks.cost")
    return found.median


def _parts(result: Result, way: str) -> list[list[str]]:
    case = f"of it, {way}, a million a month"
    parts = [
        [figure.contestant, _dollars(figure.value.median)] for figure in result.figures if figure.case == case
    ]
    whole = f"**{_dollars(_of_a_million(result, MILLION, way))}**"
    return [[f"**{way}**", whole], *parts]


def _gateway(result: Result) -> float:
    part = result.figure(f"of it, {OURS[0]}, a million a month", "$", "API Gateway")
    return (part.median if part else 0.0) / _of_a_million(result, MILLION, OURS[0])


def _dollars(amount: float) -> str:
    if amount < 0.01:
        return "< $0.01"
    return f"${amount:,.2f}" if amount < 100 else f"${amount:,.0f}"


def main() -> None:
    """Writes the page, and the row in README where it was."""
    result = load(RESULTS / "cost.json")
    PAGE.write_text(page(result), encoding="utf-8")
    head, rule, row = glance(result).splitlines()
    before, _, after = README.read_text(encoding="utf-8").partition(f"{head}\n{rule}\n")
    if not after:
        raise LookupError(f"{README.name} has no table with the head {head}")
    README.write_text(f"{before}{head}\n{rule}\n{row}\n{after.partition('\n')[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
