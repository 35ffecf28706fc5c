"""The demo's stations for texts and pictures, against the deployed stack."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from local import task_tour
from local.batches import Batches
from local.jobs import Jobs
from local.stack import StackInfo


def test_texts_and_pictures_are_recognized_and_found(stack: StackInfo) -> None:
    """A review is classified, a picture read, and the most like review to a query is about the same."""
    shown = StringIO()
    console = Console(file=shown, width=200)
    with Jobs(stack) as jobs:
        task_tour.reviews(console, jobs)
        task_tour.drawing(console, jobs)
        task_tour.search(console, jobs, Batches(stack, jobs))
    said = shown.getvalue()
    assert said.index("Absolutely delicious") < said.index("great") < said.index("other")
    assert "It shows a 7" in said
    assert "succeeded: 40 embeddings" in said
    best = said[said.index("likeness") :].splitlines()[2]
    assert "dog" in best
