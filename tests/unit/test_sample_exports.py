"""The sample models that take texts and pictures, through the function."""

import base64
import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.realtime import RealtimeFunction

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "layers" / "models"
EXAMPLES = ROOT / "examples"
EXPORTS = ("handwriting", "reviews", "search")


@pytest.fixture(scope="module")
def function() -> RealtimeFunction:
    """The function over the layer of models."""
    return RealtimeFunction(MODELS)


def example_reviews() -> list[dict[str, Any]]:
    """Reads the example reviews."""
    with (EXAMPLES / "reviews.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", EXPORTS)
def test_size(name: str) -> None:
    """A model and all that lies beside it take less than a megabyte."""
    files = [path for path in (MODELS / name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_000_000


def test_reviews(function: RealtimeFunction) -> None:
    """Praise is told from complaint."""
    praise = {"text": "Absolutely delicious, my favorite coffee, I will buy it again!"}
    complaint = {"text": "Stale, awful taste, a waste of money."}
    answers = function.predictions("reviews", [praise, complaint])
    assert ["great", "other"] == [answer["label"] for answer in answers]
    assert all(answer["score"] > 0.9 for answer in answers)


@pytest.mark.parametrize("digit", [3, 4, 7])
def test_handwriting(function: RealtimeFunction, digit: int) -> None:
    """A digit is read from a picture."""
    picture = base64.b64encode((EXAMPLES / f"digit-{digit}.png").read_bytes()).decode()
    (answer,) = function.predictions("handwriting", [{"image": picture}])
    assert str(digit) == answer["label"]
    assert answer["score"] > 0.9


@pytest.mark.parametrize(
    ("query", "found"), [("something for my dog", "dog"), ("a cup of tea with honey", "tea")]
)
def test_search(function: RealtimeFunction, query: str, found: str) -> None:
    """The review that is most like a query is about the same."""
    reviews = example_reviews()
    vectors = np.array(
        [row["embedding"] for row in function.predictions("search", [*reviews, {"text": query}])]
    )
    assert pytest.approx(1, abs=1e-5) == float(vectors[-1] @ vectors[-1])
    best = int((vectors[:-1] @ vectors[-1]).argmax())
    assert found in reviews[best]["text"]
