"""Question answering: the span of a context that answers a question, as in the pipeline of Transformers.

A context longer than the model reads is read in windows that overlap; the best span of all windows answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, override

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from tokenizers import Encoding

from triptych.clock import Deadline
from triptych.errors import BadRows, ModelUnavailable
from triptych.models.config import TaskConfig
from triptych.models.model import ModelSession
from triptych.protocol.datatypes import BYTES, INT64
from triptych.protocol.names import listing
from triptych.protocol.tensors import FREE, Array, Signature, TensorSpec
from triptych.tasks.classes import softmax
from triptych.tasks.export import Export
from triptych.tasks.session import SCORE, TaskSession
from triptych.tasks.texts import BLOCK_CHARACTERS, TextModel, blocks

WINDOW = 384
OVERLAP = 128
LONGEST_ANSWER = 15
"""Tokens of an answer at most."""
_CANDIDATES = 12
"""Best spans of a window; those with the same text count as one answer."""
_CONTEXT = 1
_INPUTS = (TensorSpec("question", BYTES, (FREE,)), TensorSpec("context", BYTES, (FREE,)))
_OUTPUTS = (
    TensorSpec("answer", BYTES, (FREE,)),
    SCORE,
    TensorSpec("start", INT64, (FREE,)),
    TensorSpec("end", INT64, (FREE,)),
)


class Span(NamedTuple):
    """A part of a context.

    Attributes:
        score: Probability that it answers the question, added up over places with the same text.
        start: Where it begins.
        end: Where it ends.
    """

    score: float = 0.0
    start: int = 0
    end: int = 0


class QuestionAnswering(TaskSession):
    """Answers to questions, found in contexts.

    Args:
        model: Gives `start_logits` and `end_logits` of shape `[texts, tokens]`.
        export: The files beside it.
        config: What `[task]` says.

    """

    def __init__(self, model: ModelSession, export: Export, config: TaskConfig) -> None:
        super().__init__(model, Signature(_INPUTS, _OUTPUTS, "question-answering"))
        self._outputs = _logits_of(model)
        self._texts = TextModel(model, export, config)
        self._first = export.token("cls_token", self._texts.tokenizer)

    @override
    def answers(self, inputs: Mapping[str, Array], deadline: Deadline) -> dict[str, Array]:
        questions, contexts = list(inputs["question"]), list(inputs["context"])
        _check_lengths(contexts)
        spans: list[Span] = []
        for start, block in blocks(list(zip(questions, contexts, strict=True))):
            part = slice(start, start + len(block))
            pairs = zip(questions[part], contexts[part], strict=True)
            windows = [self._texts.windows(*pair, WINDOW, OVERLAP) for pair in pairs]
            spans += self._spans(windows, contexts[part], deadline)
        answers = np.array(
            [context[span.start : span.end] for span, context in zip(spans, contexts, strict=True)],
            dtype=object,
        )
        score, begin, end = zip(*spans, strict=True)
        return {
            "answer": answers,
            "score": np.array(score, "<f4"),
            "start": np.array(begin),
            "end": np.array(end),
        }

    def _spans(
        self, encodings: Sequence[Sequence[Encoding]], contexts: Sequence[str], deadline: Deadline
    ) -> list[Span]:
        """Returns the best span of each context, given its windows."""
        windows = [(index, window) for index, whole in enumerate(encodings) for window in whole]
        candidates: dict[int, list[Span]] = {}
        for run in self._texts.run_encodings([one for _, one in windows], self._outputs, deadline):
            start, end = (run.outputs[name].values.astype("<f4", copy=False) for name in self._outputs)
            for row, window in enumerate(run.texts):
                encoding = windows[window][1]
                size = len(encoding)
                candidates[window] = self._candidates(encoding, start[row, :size], end[row, :size])
        answers: list[dict[str, Span]] = [{} for _ in contexts]
        for window, (index, _) in enumerate(windows):
            for span in candidates[window]:
                text = contexts[index][span.start : span.end].lower()
                before = answers[index].get(text)
                answers[index][text] = before._replace(score=before.score + span.score) if before else span
        return [max(spans.values(), key=lambda span: span.score, default=Span()) for spans in answers]

    def _candidates(self, encoding: Encoding, start: Array, end: Array) -> list[Span]:
        """Returns the best spans of a window, the best first."""
        wanted = np.array(encoding.sequence_ids) == _CONTEXT
        # The first token stands for no answer: it has a share of the probability, and is no span.
        known = wanted | (np.array(encoding.ids) == self._first)
        begins, ends = (_probabilities(logits, known) for logits in (start, end))
        scores = begins[:, None] * sliding_window_view(np.pad(ends, (0, LONGEST_ANSWER - 1)), LONGEST_ANSWER)
        best = np.argsort(-scores, axis=None, kind="stable")[:_CANDIDATES].tolist()
        spans = ((place // LONGEST_ANSWER, sum(divmod(place, LONGEST_ANSWER))) for place in best)
        return [
            Span(float(begins[first] * ends[last]), *_characters(encoding, first, last))
            for first, last in spans
            if last < len(wanted) and wanted[first] and wanted[last]
        ]


def _probabilities(logits: Array, known: Array) -> Array:
    shares = np.where(known, softmax(np.where(known, logits, -10000.0)), 0)
    shares[0] = 0
    return shares


def _characters(encoding: Encoding, first: int, last: int) -> tuple[int, int]:
    """Returns the part of the context from the word of one token to that of another."""
    word, last_word = encoding.token_to_word(first), encoding.token_to_word(last)
    begin = None if word is None else encoding.word_to_chars(word, _CONTEXT)
    end = None if last_word is None else encoding.word_to_chars(last_word, _CONTEXT)
    if begin is None or end is None:
        return encoding.offsets[first][0], encoding.offsets[last][1]
    return begin[0], end[1]


def _logits_of(model: ModelSession) -> tuple[str, str]:
    names = [spec.name for spec in model.signature.outputs]
    if "start_logits" in names and "end_logits" in names:
        return "start_logits", "end_logits"
    raise ModelUnavailable(
        f"the model gives {listing(names)}, and answers are of start_logits and end_logits"
    )


def _check_lengths(contexts: Sequence[str]) -> None:
    long = {
        row: f"context has {len(context)} characters, more than the {BLOCK_CHARACTERS} that fit: split it"
        for row, context in enumerate(contexts, 1)
        if len(context) > BLOCK_CHARACTERS
    }
    if long:
        raise BadRows(long)
