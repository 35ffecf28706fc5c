"""Any texts, of any lengths: an answer for each row, the same as alone."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.properties import examples
from tests.support.realtime import RealtimeFunction
from tests.support.text_exports import add_export, classifier, encoder, reader, tagger
from tests.unit.test_question_answering import CONFIG as READER
from tests.unit.test_text_classification import RANKER, REVIEWS
from tests.unit.test_token_classification import CONFIG as NAMES
from tests.unit.test_zero_shot_classification import CONFIG as NLI
from tests.unit.test_zero_shot_classification import ZERO_SHOT

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "reviews": ("text", "text_pair"),
    "ranker": ("query", "text"),
    "vectors": ("text",),
    "names": ("text",),
    "reader": ("question", "context"),
    "nli": ("text", "candidate_labels"),
}
WORDS = st.sampled_from(
    ["good", "bad film", "Ada in Berlin", "[SEP]", "[CLS] [PAD]", "\u0000", "\u200d", "e\u0301"]
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    WORDS,
    st.tuples(WORDS, st.integers(0, 90)).map(lambda made: f"{made[0]} " * made[1]),
)


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> RealtimeFunction:
    """The function over a model of each task."""
    models = tmp_path_factory.mktemp("models")
    add_export(models, "reviews", classifier(2), REVIEWS)
    add_export(models, "ranker", classifier(1), RANKER)
    add_export(models, "vectors", encoder(), {})
    add_export(models, "names", tagger(4), NAMES)
    add_export(models, "reader", reader(), READER)
    add_export(models, "nli", classifier(3), NLI)
    (models / "reader/model.toml").write_text("[task]\nmax_length = 384")
    (models / "nli/model.toml").write_text(ZERO_SHOT + 'labels = ["good", "bad"]')
    return RealtimeFunction(models)


def near(one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON
    """Compares answers: floats nearly, all else exactly."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(near(one[key], other[key]) for key in one)
        case list(), list():
            return len(one) == len(other) and all(map(near, one, other))
        case float(), float():
            return abs(one - other) < 1e-4
        case _:
            return bool(one == other)


@pytest.mark.parametrize("model", COLUMNS)
@given(data=st.data())
@examples(30)
def test_any_texts(function: RealtimeFunction, model: str, data: st.DataObject) -> None:
    """Every row has an answer, and it is that of the row alone."""
    row = st.fixed_dictionaries(dict.fromkeys(COLUMNS[model], TEXTS))
    rows = data.draw(st.lists(row, min_size=1, max_size=6))
    together = function.predictions(model, rows)
    alone = [function.predictions(model, [one])[0] for one in rows]
    assert all(map(near, together, alone)), (together, alone)


@pytest.mark.parametrize("model", COLUMNS)
@pytest.mark.parametrize("text", ["a" * 10**6, "good " * 50_000, "\n" * 10**6, "\U0001f600" * 10**5])
def test_enormous_texts(function: RealtimeFunction, model: str, text: str) -> None:
    """Hundreds of kilobytes of text have an answer as well, in little time."""
    assert 1 == len(function.predictions(model, [dict.fromkeys(COLUMNS[model], text)]))
