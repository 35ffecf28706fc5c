"""Answers to questions: spans of contexts, which may be longer than the model reads."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from triptych.clock import Deadline
from triptych.errors import BadRows, ModelUnavailable
from triptych.protocol.datatypes import BYTES
from triptych.protocol.tensors import Tensor
from triptych.tasks import question_answering

from tests.support.text_exports import (
    VECTORS,
    WORDS,
    add_export,
    classifier,
    heads,
    open_export,
    reader,
    tokens,
)

CONFIG = {"architectures": ["BertForQuestionAnswering"]}
NAMES = ["answer", "score", "start", "end"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An export of a reader."""
    return add_export(tmp_path, "reader", reader(), CONFIG)


def answers(directory: Path, *rows: tuple[str, str]) -> list[dict[str, Any]]:
    """Returns answers to questions, each with its context."""
    opened = open_export(directory)
    columns = zip(("question", "context"), zip(*rows, strict=True), strict=True)
    inputs = {name: Tensor(BYTES, np.array(values, dtype=object)) for name, values in columns}
    found = opened.run(inputs, NAMES, Deadline.after(60))
    return [{name: found[name].values[row] for name in NAMES} for row in range(len(rows))]


def best_span(question: str, context: str) -> tuple[float, str]:
    """Tries every span of a short context; the first token takes a share, and is no answer."""
    ids = tokens(question, context)
    both = VECTORS[ids] @ heads(2)
    first = len(tokens(question))
    known = [0, *range(first, len(ids) - 1)]
    begins, ends = (np.exp(both[known, side]) / np.exp(both[known, side]).sum() for side in (0, 1))
    words = ["", *context.split()]
    scores: dict[str, float] = {}
    for start in range(1, len(known)):
        for end in range(start, len(known)):
            text = " ".join(words[start : end + 1])
            scores[text] = scores.get(text, 0.0) + float(begins[start] * ends[end])
    text = max(scores, key=scores.__getitem__)
    return scores[text], text


def test_best_span(directory: Path) -> None:
    """The answer is a part of the context, with the probability that it begins and ends there."""
    rows = [("not bad", "Ada in Berlin"), ("good", "a good film")]
    for row, found in zip(rows, answers(directory, *rows), strict=True):
        score, text = best_span(*row)
        assert text == found["answer"] == row[1][found["start"] : found["end"]]
        assert score == pytest.approx(float(found["score"]), abs=1e-5)


def test_windows(directory: Path) -> None:
    """An answer is found wherever in a long context it stands."""
    likely = WORDS[4 + int((VECTORS[4:] @ heads(2)).sum(axis=1).argmax())]
    filler = WORDS[4 + int((VECTORS[4:] @ heads(2)).sum(axis=1).argmin())]
    context = " ".join([filler] * 50 + [likely] + [filler] * 50)
    (found,) = answers(directory, ("a", context))
    assert likely in found["answer"].split()
    assert found["start"] <= context.index(likely) < found["end"]


@pytest.mark.parametrize("question", ["", "good", "good " * 100])
@pytest.mark.parametrize("context", ["", " ", "\n\n"])
def test_nothing_to_find(directory: Path, question: str, context: str) -> None:
    """A context without words has no answer."""
    (found,) = answers(directory, (question, context))
    assert ("", 0.0, 0, 0) == (found["answer"], found["score"], found["start"], found["end"])


def test_long_question(directory: Path) -> None:
    """A question that fills what the model reads leaves room for a part of the context."""
    (found,) = answers(directory, ("good " * 100, "Ada in Berlin " * 20))
    assert found["answer"]


def test_too_long_context(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A context that takes too long is a bad row, and says what to do."""
    monkeypatch.setattr(question_answering, "BLOCK_CHARACTERS", 10)
    with pytest.raises(
        BadRows, match="row 2: context has 11 characters, more than the 10 that fit"
    ) as caught:
        answers(directory, ("a", "good"), ("a", "Ada in Rome"))
    assert [2] == list(caught.value.reasons)


def test_other_model(tmp_path: Path) -> None:
    """A model that gives no starts and ends is none that answers questions."""
    directory = add_export(tmp_path, "reader", classifier(2), CONFIG)
    with pytest.raises(ModelUnavailable, match="gives 'logits', and answers are of start_logits"):
        open_export(directory)
