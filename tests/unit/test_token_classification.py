"""Entities: tokens, words and groups of them, with their places in the text."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from triptych.clock import Deadline
from triptych.protocol.datatypes import BYTES
from triptych.protocol.tensors import Tensor
from triptych.tasks.token_classification import Token, TokenClassification

from tests.support.text_exports import VECTORS, WORDS, add_export, heads, open_export, tagger
from tests.support.text_exports import softmax as shares

LABELS = ("O", "B-PER", "I-PER", "B-LOC")
CONFIG = {
    "architectures": ["BertForTokenClassification"],
    "id2label": {str(index): label for index, label in enumerate(LABELS)},
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An export of a model of four classes."""
    return add_export(tmp_path, "names", tagger(4), CONFIG)


def entities(directory: Path, *texts: str, toml: str = "") -> list[list[dict[str, Any]]]:
    """Returns the entities of texts."""
    opened = open_export(directory, toml)
    inputs = {"text": Tensor(BYTES, np.array(texts, dtype=object))}
    found = opened.run(inputs, ["entities"], Deadline.after(60))["entities"].values
    return [json.loads(document) for document in found]


def best(word: str) -> tuple[str, float]:
    """Returns the class of a word, and its score."""
    scores = shares(VECTORS[WORDS.index(word)] @ heads(4))
    return LABELS[int(scores.argmax())], float(scores.max())


def test_every_token(directory: Path) -> None:
    """Without aggregation there is an entity for each token outside of `O`, with its place and number."""
    text = "good  Ada bad Berlin"
    (found,) = entities(directory, text, toml='[task]\naggregation = "none"')
    words = ["good", "Ada", "bad", "Berlin"]
    expected = [(index, word, *best(word)) for index, word in enumerate(words, 1) if best(word)[0] != "O"]
    assert [(index, word, label) for index, word, label, _ in expected] == [
        (one["index"], one["word"], one["entity"]) for one in found
    ]
    assert [score for *_, score in expected] == pytest.approx([one["score"] for one in found], abs=1e-5)
    assert all(one["word"] == text[one["start"] : one["end"]] for one in found)


def test_no_entities(directory: Path) -> None:
    """An empty text has none; longer ones beside it do not matter."""
    assert [] == entities(directory, "", "Ada in Berlin")[0]


@pytest.mark.parametrize(
    ("labels", "groups"),
    [
        (["B-PER", "I-PER"], [("PER", "a b")]),
        (["B-PER", "B-PER"], [("PER", "a"), ("PER", "b")]),
        (["I-PER", "B-LOC"], [("PER", "a"), ("LOC", "b")]),
        (["O", "I-PER"], [("PER", "b")]),
        (["B-PER", "O"], [("PER", "a")]),
    ],
)
def test_groups(directory: Path, labels: list[str], groups: list[tuple[str, str]]) -> None:
    """Adjacent tokens of a class are one entity, unless the next one begins another."""
    session = open_export(directory).session
    assert isinstance(session, TokenClassification)
    classes = np.eye(4, dtype="<f4")
    tokens = [
        Token(word, classes[LABELS.index(label)], place, place + 1, place, goes_on=False)
        for place, (word, label) in enumerate(zip("ab", labels, strict=True))
    ]
    found = session._entities(tokens)  # noqa: SLF001 - the classes of tokens are chosen here
    assert groups == [(one["entity_group"], one["word"]) for one in found]


@pytest.mark.parametrize(
    ("aggregation", "label", "score"), [("first", "PER", 0.6), ("max", "LOC", 0.9), ("average", "LOC", 0.6)]
)
def test_words(directory: Path, aggregation: str, label: str, score: float) -> None:
    """The parts of a word are one class: that of the first, of the surest, or of the mean."""
    session = open_export(directory, f'[task]\naggregation = "{aggregation}"').session
    assert isinstance(session, TokenClassification)
    parts = [np.array(scores, "<f4") for scores in ((0.1, 0.6, 0.0, 0.3), (0.0, 0.1, 0.0, 0.9))]
    tokens = [Token("Ber", parts[0], 0, 3, 1, goes_on=False), Token("lin", parts[1], 3, 6, 2, goes_on=True)]
    (found,) = session._entities(tokens)  # noqa: SLF001
    assert (label, 0, 6) == (found["entity_group"], found["start"], found["end"])
    assert score == pytest.approx(float(found["score"]), abs=1e-6)
