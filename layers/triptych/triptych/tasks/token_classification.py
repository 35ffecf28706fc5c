"""Token classification: texts to entities, as in the pipeline of Transformers.

```
text ── tokens ── scores ─┬─ none ───────────────────────────> an entity for each token
                          ├─ simple ──────────── groups ─────> adjacent tokens of one class
                          └─ first, average, max ── words ── groups ──> no border inside a word
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, override

import numpy as np
import orjson
from tokenizers import Encoding

from triptych.clock import Deadline
from triptych.models.config import Aggregation, TaskConfig
from triptych.models.model import ModelSession
from triptych.protocol.datatypes import BYTES
from triptych.protocol.tensors import FREE, Array, Signature, TensorSpec
from triptych.tasks.classes import class_labels, softmax
from triptych.tasks.export import Export
from triptych.tasks.session import TEXT, TaskSession
from triptych.tasks.text_classification import logits_of
from triptych.tasks.texts import TextModel

_OUTSIDE = "O"
_ENTITIES = TensorSpec("entities", BYTES, (FREE,), json=True)


class Token(NamedTuple):
    """A token of a text, or a word of several.

    Attributes:
        word: As the tokenizer writes it.
        scores: Of all classes.
        start: Where it begins in the text.
        end: Where it ends.
        number: Which of the encoding it is.
        goes_on: Whether it continues the word before it.
        score: That of its class; NaN until it has one.
        label: Its class; empty until it has one.
    """

    word: str
    scores: Array
    start: int
    end: int
    number: int
    goes_on: bool
    label: str = ""
    score: float = float("nan")


class TokenClassification(TaskSession):
    """Entities in texts.

    Args:
        model: Gives `logits` of shape `[texts, tokens, classes]`.
        export: The files beside it.
        config: What `[task]` says.

    """

    def __init__(self, model: ModelSession, export: Export, config: TaskConfig) -> None:
        super().__init__(model, Signature((TEXT,), (_ENTITIES,), "token-classification"))
        self._logits = logits_of(model)
        self._labels = class_labels(export, config, self._logits)
        self._texts = TextModel(model, export, config)
        self._aggregation: Aggregation = config.aggregation or "simple"
        tokenizer = self._texts.tokenizer
        self._unknown = export.token("unk_token", tokenizer)
        self._marks_words = bool(getattr(tokenizer.model, "continuing_subword_prefix", None))

    @override
    def answers(self, inputs: Mapping[str, Array], deadline: Deadline) -> dict[str, Array]:
        texts = list(inputs["text"])
        entities = np.empty(len(texts), dtype=object)
        for run in self._texts.run(texts, [self._logits.name], deadline, offsets=True):
            scores = softmax(run.outputs[self._logits.name].values.astype("<f4", copy=False))
            for index, encoding, of_tokens in zip(run.texts, run.encodings, scores, strict=True):
                found = self._entities(list(self._tokens(texts[index], encoding, of_tokens)))
                entities[index] = orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY).decode()
        return {"entities": entities}

    def _tokens(self, text: str, encoding: Encoding, scores: Array) -> Iterator[Token]:
        special, offsets, ids = encoding.special_tokens_mask, encoding.offsets, encoding.ids
        for index, word in enumerate(encoding.tokens):
            if special[index]:
                continue
            start, end = offsets[index]
            written = text[start:end]
            if ids[index] == self._unknown:
                yield Token(written, scores[index], start, end, index, goes_on=False)
            elif self._marks_words:
                yield Token(word, scores[index], start, end, index, len(word) != len(written))
            else:  # the tokenizer does not tell where a word goes on: where no blank stands before it
                goes_on = start > 0 and " " not in text[start - 1 : start + 1]
                yield Token(word, scores[index], start, end, index, goes_on)

    def _entities(self, tokens: Sequence[Token]) -> list[dict[str, Any]]:
        match self._aggregation:
            case "none":
                named = [self._classified(token, token.scores) for token in tokens]
                return [
                    {
                        "entity": token.label,
                        "score": token.score,
                        "index": token.number,
                        "word": token.word,
                        "start": token.start,
                        "end": token.end,
                    }
                    for token in named
                    if token.label != _OUTSIDE
                ]
            case "simple":
                words = [self._classified(token, token.scores) for token in tokens]
            case aggregation:
                words = [self._word(parts, aggregation) for parts in _words(tokens)]
        return [
            {
                "entity_group": group[0].label.partition("-")[2] or group[0].label,
                "score": np.mean([word.score for word in group]),
                "word": self._joined(group),
                "start": group[0].start,
                "end": group[-1].end,
            }
            for group in _groups(words)
            if group[0].label != _OUTSIDE
        ]

    def _word(self, parts: Sequence[Token], aggregation: Aggregation) -> Token:
        """Returns the word of some tokens, with one class for all of them."""
        match aggregation:
            case "average":
                scores = np.mean([part.scores for part in parts], axis=0)
            case "max":
                scores = max((part.scores for part in parts), key=np.max)
            case _:
                scores = parts[0].scores
        word = parts[0]._replace(word=self._joined(parts), end=parts[-1].end)
        return self._classified(word, scores)

    def _classified(self, token: Token, scores: Array) -> Token:
        best = int(scores.argmax())
        return token._replace(label=self._labels[best], score=scores[best])

    def _joined(self, tokens: Sequence[Token]) -> str:
        decoder, words = self._texts.tokenizer.decoder, [token.word for token in tokens]
        return decoder.decode(words) if decoder is not None else " ".join(words)


def _words(tokens: Sequence[Token]) -> list[list[Token]]:
    words: list[list[Token]] = []
    for token in tokens:
        if words and token.goes_on:
            words[-1].append(token)
        else:
            words.append([token])
    return words


def _groups(words: Sequence[Token]) -> list[list[Token]]:
    """Joins adjacent words of one class, where none begins an entity: `B-PER` after `I-PER` does."""
    groups: list[list[Token]] = []
    for word in words:
        begins = word.label.startswith("B-")
        if groups and not begins and _class(groups[-1][-1].label) == _class(word.label):
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def _class(label: str) -> str:
    return label[2:] if label.startswith(("B-", "I-")) else label
