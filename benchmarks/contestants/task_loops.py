"""What people write for a model of texts or images: a loop over tokenizers or Pillow, and ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tokenizers import Encoding, Tokenizer

from benchmarks.contestants.handler import session

BATCH = 32
"""Texts or images of a run: the default of sentence-transformers."""

type Values = np.ndarray[Any, Any]
type Loop = Callable[[Sequence[Any]], Values]


def texts(model: Path, finish: Callable[[Values, Values], Values], *, by_length: bool) -> Loop:
    """Encodes texts, pads those of a run to the longest of them, and runs the model.

    Args:
        model: The `.onnx` file; its tokenizer stands beside it.
        finish: Makes the answers of an output of the model and the mask of its tokens.
        by_length: Whether texts are sorted by length first, as sentence-transformers and
            text-embeddings-inference do.
    """
    run, tokenizer = session(model).run, tokenizer_of(model)

    def loop(found: Sequence[str]) -> Values:
        order = list(range(len(found)))
        encodings = tokenizer.encode_batch_fast(list(found)) if by_length else []
        order.sort(key=lambda index: len(encodings[index]) if by_length else index)
        answers: list[Values] = []
        for chosen in _runs(order):
            batch = [encodings[index] for index in chosen] if by_length else []
            ids, mask = padded(batch or tokenizer.encode_batch_fast([found[index] for index in chosen]))
            (output,) = run(None, {"input_ids": ids, "attention_mask": mask})
            answers.append(finish(output, mask))
        return _joined(answers)[np.argsort(order)]

    return loop


def images(model: Path, size: int) -> Loop:
    """Decodes images, makes them smaller, and runs the model.

    Args:
        model: The `.onnx` file.
        size: Pixels of a side as the model takes them.
    """
    run = session(model).run

    def pixels(content: bytes) -> Values:
        image = Image.open(BytesIO(content)).convert("RGB").resize((size, size), Image.Resampling.BOX)
        values: Values = np.asarray(image, np.float32) / 255
        by_channel: Values = values.transpose(2, 0, 1)
        return by_channel

    def loop(found: Sequence[bytes]) -> Values:
        return _joined(
            softmax(run(None, {"pixel_values": np.stack([pixels(content) for content in chosen])})[0])
            for chosen in _runs(found)
        )

    return loop


def tokenizer_of(model: Path) -> Tokenizer:
    """Reads the tokenizer beside a model, with the length that all contestants cut texts at."""
    tokenizer = Tokenizer.from_file(str(model.with_name("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    return tokenizer


def padded(batch: Sequence[Encoding]) -> tuple[Values, Values]:
    """Makes ids and mask of the tokens of texts, of shape `[texts, tokens]`."""
    shape = (len(batch), max(map(len, batch)))
    ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, encoding in enumerate(batch):
        ids[row, : len(encoding)] = encoding.ids
        mask[row, : len(encoding)] = 1
    return ids, mask


def embedded(vectors: Values, mask: Values) -> Values:
    """Makes embeddings: the mean over the tokens of a text, of length 1."""
    wide = mask[:, :, None].astype(np.float32)
    means: Values = (vectors * wide).sum(1) / wide.sum(1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return means


def softmax(logits: Values, _: object = None) -> Values:
    """Makes shares of the classes."""
    powers: Values = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _runs[T](found: Sequence[T]) -> Iterable[Sequence[T]]:
    return (found[start : start + BATCH] for start in range(0, len(found), BATCH))


def _joined(answers: Iterable[Values]) -> Values:
    joined: Values = np.concatenate(list(answers))
    return joined
