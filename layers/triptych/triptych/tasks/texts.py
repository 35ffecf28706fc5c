"""Texts for a model that takes tokens: encoded, sorted by length, run in micro-batches.

```
texts ── blocks ── encode ── sort by length ── cut ── pad ── run ──> outputs, and which texts they are of
```

Padding is most of the work of a batch of mixed lengths: texts of about one length run together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from tokenizers import Encoding, Tokenizer

from triptych.clock import Deadline
from triptych.errors import BadRows, ModelUnavailable
from triptych.models.config import TaskConfig
from triptych.models.model import ModelSession
from triptych.protocol.tensors import FREE, Array, Tensor, TensorSpec
from triptych.tasks.export import TOKENIZER, Export

RUN_TOKENS = 2048
"""Tokens of a run, padding included, which bounds its memory: attention in twelve heads over four texts of
512 takes 50 MB. More at once gains nothing on processors."""
NEW_RUN = 16
"""Tokens that another run costs as much as: shorter texts are not padded by more of them than that."""
BLOCK_TEXTS = 1024
"""Texts that are encoded, and sorted, at once."""
BLOCK_CHARACTERS = 2**20
"""Characters of them: an encoding takes about a hundred bytes a token, of one to four characters."""
CHARACTERS_PER_TOKEN = 100
"""Characters of a text that are read for each token that the model takes: no text has longer ones, but for
runs of blanks, and megabytes of text are not encoded for the 512 tokens that count."""
DEFAULT_LENGTH = 512
_UNLIMITED = 10**6  # Transformers writes 10**30 where a tokenizer knows no limit
_FED: tuple[str, ...] = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
_AFTER_PADDING = {"roberta", "xlm-roberta", "camembert", "mpnet", "xlm-roberta-xl", "data2vec-text"}
"""Types of models that count positions from one after the id of padding."""


type Text = str | tuple[str, str]
"""A text, or a pair of texts."""


class Tokens(Protocol):
    """Tokens of a text: an `Encoding`, or ids that came as such."""

    @property
    def ids(self) -> Sequence[int]:
        """Their ids."""
        ...

    @property
    def type_ids(self) -> Sequence[int]:
        """Of each, 0 in the first text and 1 in the second."""
        ...

    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class TokenIds:
    """Ids of the tokens of one text, special ones included; see `Tokens`."""

    ids: Sequence[int]

    @property
    def type_ids(self) -> Sequence[int]:
        """All of the first text."""
        return [0] * len(self.ids)

    def __len__(self) -> int:
        return len(self.ids)


class TextRun[T: Tokens](NamedTuple):
    """One run of a model.

    Attributes:
        texts: Which texts it was, by index.
        encodings: Their tokens.
        mask: 1 for tokens, 0 for padding, of shape `[texts, tokens]`.
        outputs: What the model gives, by name.
    """

    texts: Sequence[int]
    encodings: Sequence[T]
    mask: Array
    outputs: dict[str, Tensor]


class TextModel:
    """A model that takes the tokens of texts.

    Args:
        model: The model itself.
        export: The files beside it.
        config: What `[task]` says.
        strategy: Which of two texts is cut: `longest_first`, `only_first` or `only_second`.

    Attributes:
        tokenizer: Makes tokens of texts; what `tokenizer.json` says of padding and truncation does not count.
        max_length: Tokens of a text, special ones included, that the model reads.

    Raises:
        ModelUnavailable: It takes something else, or its tokenizer is missing or cannot be read.
    """

    def __init__(
        self, model: ModelSession, export: Export, config: TaskConfig, strategy: str = "longest_first"
    ) -> None:
        self._model = model
        self._inputs = _token_inputs(model)
        self.tokenizer = _tokenizer(export)
        self._padding = _padding(export, self.tokenizer)
        counts_on = export.config.get("model_type") in _AFTER_PADDING
        self._first_position = self._padding + 1 if counts_on else 0
        batch, self._length = (self._inputs["input_ids"].shape or (FREE, FREE))[:2]
        if batch not in (FREE, 1):
            raise ModelUnavailable(f"the model takes {batch} texts at once: export it with a free batch axis")
        # The scale of dynamic quantization comes from all rows of a run, padding included.
        self._one_by_one = batch == 1 or export.quantizes_as_it_runs
        lengths = [config.max_length or _max_length(export, self._first_position), self._length]
        self.max_length = min(length for length in lengths if length != FREE)
        self._strategy = strategy

    def run(
        self, texts: Sequence[Text], outputs: Sequence[str], deadline: Deadline, *, offsets: bool = False
    ) -> Iterator[TextRun[Encoding]]:
        """Runs the model on texts.

        Args:
            texts: The texts, or pairs of them.
            outputs: Names of outputs of the model.
            deadline: When the last run must have ended.
            offsets: Whether encodings tell where in the text a token stands.

        Yields:
            Each run; together they have every text once.
        """
        for start, block in blocks(texts):
            cut = [
                self._cut(text) if isinstance(text, str) else (self._cut(text[0]), self._cut(text[1]))
                for text in block
            ]
            for run in self.run_encodings(self._encode(cut, offsets=offsets), outputs, deadline):
                yield run._replace(texts=[start + index for index in run.texts])

    def _encode(self, texts: Sequence[Text], *, offsets: bool) -> list[Encoding]:
        encode = self.tokenizer.encode_batch if offsets else self.tokenizer.encode_batch_fast
        self.tokenizer.enable_truncation(self.max_length, strategy=self._strategy)
        try:
            return encode(texts)
        except Exception:  # noqa: BLE001 - the library raises nothing more special
            # The text that is to be cut would have to be shorter than nothing: both are cut then.
            self.tokenizer.enable_truncation(self.max_length, strategy="longest_first")
            return encode(texts)

    def run_encodings[T: Tokens](
        self, encodings: Sequence[T], outputs: Sequence[str], deadline: Deadline
    ) -> Iterator[TextRun[T]]:
        """Runs the model on tokens, in micro-batches by length.

        Yields:
            Each run; together they have every encoding once.
        """
        lengths = [len(encoding) for encoding in encodings]
        # Without a mask the model takes padding for text.
        extra = NEW_RUN if "attention_mask" in self._inputs else 0
        for chosen in micro_batches(lengths, 1 if self._one_by_one else len(encodings), extra):
            deadline.check("running the model on texts")
            batch = [encodings[index] for index in chosen]
            feed, mask = self._feed(batch)
            yield TextRun(chosen, batch, mask, self._model.run(feed, outputs, deadline))

    def checked_ids(self, texts: Sequence[Sequence[int]]) -> list[TokenIds]:
        """Checks ids of tokens, special ones included: they are not cut.

        Raises:
            BadRows: A text has none, too many, or some that the tokenizer does not have.
        """
        size = self.tokenizer.get_vocab_size()
        reasons: dict[int, str] = {}
        for row, ids in enumerate(texts, 1):
            odd = [token for token in ids if not 0 <= token < size]
            if not 0 < len(ids) <= self.max_length:
                reasons[row] = f"expected 1 to {self.max_length} tokens, got {len(ids)}"
            elif odd:
                reasons[row] = (
                    f"token {odd[0]} is none of the {size} of the model's own tokenizer; "
                    "send text, if another tokenizer made the tokens"
                )
        if reasons:
            raise BadRows(reasons)
        return [TokenIds(ids) for ids in texts]

    def windows(self, text: str, pair: str, size: int, overlap: int) -> list[Encoding]:
        """Makes tokens of a pair of texts, the second in as many windows as it takes.

        Args:
            text: The first text, which stands in each window; it is cut where it takes more than half of one.
            pair: The second text.
            size: Tokens of a window at most.
            overlap: Tokens that windows share; less where few are left beside the first text.
        """
        size = min(size, self.max_length)
        self.tokenizer.no_truncation()
        first = self.tokenizer.encode(self._cut(text), add_special_tokens=False)
        if len(first) > size // 2:
            first.truncate(size // 2)
            text = text[: first.offsets[-1][1]]
        room = size - len(first) - self.tokenizer.num_special_tokens_to_add(is_pair=True)
        overlap = min(overlap, size // 2)
        stride = overlap if overlap < room else max(0, room) // 2
        self.tokenizer.enable_truncation(size, stride=stride, strategy="only_second")
        whole = self.tokenizer.encode(text, pair)
        return [whole, *whole.overflowing]

    def _cut(self, text: str) -> str:
        return text[: self.max_length * CHARACTERS_PER_TOKEN]

    def _feed(self, batch: Sequence[Tokens]) -> tuple[dict[str, Tensor], Array]:
        longest = max(map(len, batch)) if self._length == FREE else self._length
        shape = (len(batch), longest)
        ids, types = np.full(shape, self._padding), np.zeros(shape, np.int64)
        mask = np.zeros(shape, np.int64)
        for row, encoding in enumerate(batch):
            ids[row, : len(encoding)] = encoding.ids
            mask[row, : len(encoding)] = 1
            if "token_type_ids" in self._inputs:
                types[row, : len(encoding)] = encoding.type_ids
        positions = np.broadcast_to(np.arange(longest) + self._first_position, shape)
        values = dict(zip(_FED, (ids, mask, types, positions), strict=True))
        feed = {
            name: Tensor(spec.datatype, values[name].astype(spec.datatype.storage))
            for name, spec in self._inputs.items()
        }
        return feed, mask


def micro_batches(lengths: Sequence[int], rows: int, extra: int) -> Iterator[Sequence[int]]:
    """Cuts texts into runs of similar length.

    Args:
        lengths: Tokens of each text.
        rows: How many texts a run has at most.
        extra: Padding at most, in tokens, that one more text may bring to the shorter ones before it.

    Yields:
        Indices of the texts of a run, the shortest first.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        length = lengths[index]
        if batch and (
            len(batch) == rows
            or (len(batch) + 1) * length > RUN_TOKENS
            or len(batch) * (length - lengths[batch[-1]]) > extra
        ):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def paired(texts: Iterable[str], pairs: Iterable[str]) -> list[Text]:
    """Joins texts with the second text of each; an empty one is none."""
    return [(text, pair) if pair else text for text, pair in zip(texts, pairs, strict=True)]


def blocks(texts: Sequence[Text]) -> Iterator[tuple[int, Sequence[Text]]]:
    """Cuts texts into blocks that are encoded at once.

    Yields:
        The index of the first text of a block, and the block.
    """
    start = characters = 0
    for stop, text in enumerate(texts):
        size = len(text) if isinstance(text, str) else len(text[0]) + len(text[1])
        if stop > start and (stop - start == BLOCK_TEXTS or characters + size > BLOCK_CHARACTERS):
            yield start, texts[start:stop]
            start, characters = stop, 0
        characters += size
    yield start, texts[start:]


def in_order(runs: Iterable[tuple[Sequence[int], Array]]) -> Array:
    """Joins the results of runs, of shape `[texts, ...]`, in the order of the texts."""
    texts, values = zip(*runs, strict=True)
    joined: Array = np.concatenate(values)
    return joined[np.argsort(np.concatenate(texts))]


def _token_inputs(model: ModelSession) -> dict[str, TensorSpec]:
    inputs = {spec.name: spec for spec in model.signature.inputs}
    unknown = [name for name in inputs if name not in _FED]
    if "input_ids" not in inputs or unknown:
        raise ModelUnavailable(f"the model takes {', '.join(inputs)}, and a text becomes {', '.join(_FED)}")
    return inputs


def _tokenizer(export: Export) -> Tokenizer:
    if not export.has(TOKENIZER):
        raise ModelUnavailable(
            f"{TOKENIZER} is missing beside the model: save the tokenizer as a fast one, with save_pretrained"
        )
    try:
        tokenizer = Tokenizer.from_file(str(export.directory / TOKENIZER))
    except Exception as error:  # the library raises nothing more special
        raise ModelUnavailable(f"{TOKENIZER} cannot be read: {error}") from error
    tokenizer.no_padding()
    return tokenizer


def _padding(export: Export, tokenizer: Tokenizer) -> int:
    known = export.token("pad_token", tokenizer)
    if known is None:
        known = export.config.get("pad_token_id")
    return known if isinstance(known, int) else 0


def _max_length(export: Export, first_position: int) -> int:
    """Returns the least of the lengths that the files name, as the references do."""
    positions = export.config.get("max_position_embeddings")
    named = (
        export.read("sentence_bert_config.json").get("max_seq_length"),
        export.tokenizer_config.get("model_max_length"),
        positions - first_position if isinstance(positions, int) else None,
    )
    lengths = [int(length) for length in named if isinstance(length, int | float) and 0 < length < _UNLIMITED]
    return min(lengths, default=DEFAULT_LENGTH)
