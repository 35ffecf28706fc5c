"""The report on one screen: ten questions, and a ratio for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks import batch, cold_start, jobs, texts, warm_request, workflow
from benchmarks.harness.goals import verdict
from benchmarks.harness.result import Goal, Result
from benchmarks.harness.tables import shown, table


class Headline(NamedTuple):
    """A question of the summary.

    Attributes:
        text: The question.
        question: The benchmark that answers it.
        goal: The ratio; its case is how that of the benchmark begins, which also names sizes.
    """

    text: str
    question: str
    goal: Goal


HEADLINES = (
    Headline(
        "How much faster is a warm request than with FastAPI?",
        "warm_request",
        Goal("tiny model, one row", "s", warm_request.IN_THREADS, warm_request.OURS, "at least", 6),
    ),
    Headline(
        "What does a request of 100,000 numbers take beyond the work itself?",
        "warm_request",
        Goal("100k floats, JSON", "s", warm_request.OURS, warm_request.FLOOR, "at most", 1.2),
    ),
    Headline(
        "And 100 records with texts?",
        "warm_request",
        Goal("string columns", "s", warm_request.OURS, warm_request.FLOOR, "at most", 1.5),
    ),
    Headline(
        "How near is a cold start to that of ONNX Runtime alone, as deployed by default?",
        "cold_start",
        Goal(cold_start.DEFAULT, "s", cold_start.OURS, cold_start.FLOOR, "at most", 1.6),
    ),
    Headline(
        "How much earlier does it answer than FastAPI with a client of S3?",
        "cold_start",
        Goal(cold_start.CASE, "s", cold_start.WITH_BOTO3, cold_start.OURS, "at least", 2),
    ),
    Headline(
        "What do grouped jobs gain where the weights are the work?",
        "jobs",
        Goal("a model of 36 MB of weights, 100 an", "jobs/s", jobs.GROUPED, jobs.ALONE, "at least", 4),
    ),
    Headline(
        "Does a file of texts come near a loop that sorts them by length?",
        "texts",
        Goal("embeddings", "texts/s", texts.FILES, texts.SORTED, "at least", 0.9),
    ),
    Headline(
        "Does a file of CSV come near arro3 and ONNX Runtime, which check nothing?",
        "batch",
        Goal("1,000,000 rows", "rows/s", batch.OURS, batch.FLOOR, "at least", 0.85),
    ),
    Headline(
        "And from S3 to S3, against the same on the disk?",
        "workflow",
        Goal("", "rows/s", workflow.DIRECT, batch.FLOOR, "at least", 0.85),
    ),
    Headline(
        "How much more memory do ten times as many rows take?",
        "batch",
        Goal(batch.GROWTH, "bytes", "1,000,000 rows", "100,000 rows", "at most", 1.1),
    ),
)


def summary(results: Sequence[Result]) -> str:
    """Makes the table of the summary.

    Args:
        results: What was measured; of other questions it is said that they were not.
    """
    by_question = {result.question: result for result in results}
    rows = [answered(headline, by_question.get(headline.question)) for headline in HEADLINES]
    return table(["question", "measured", "ratio", "target", ""], rows)


def answered(headline: Headline, result: Result | None) -> list[str]:
    """Makes the row of a question."""
    goal = headline.goal
    target = f"{goal.bound} {goal.ratio:g}"
    cases = dict.fromkeys(figure.case for figure in result.figures) if result else ()
    case = next((case for case in cases if case.startswith(goal.case)), goal.case)
    judged = verdict(result, goal._replace(case=case)) if result else None
    if result is None or judged is None or judged.ratio is None:
        return [headline.text, "", "", target, "not measured"]
    sides = [_side(result, case, goal.unit, name) for name in (goal.over, goal.under)]
    return [headline.text, " / ".join(sides), f"**{judged.ratio:.2f}**", target, judged.word]


def _side(result: Result, case: str, unit: str, contestant: str) -> str:
    found = result.figure(case, unit, contestant)
    return f"{contestant} {shown(found.median, unit)}" if found else contestant
