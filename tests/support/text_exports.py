"""Exports of text models that are small enough to compute by hand, as Optimum leaves a folder.

A token has a vector; a text is the mean of its tokens, special ones included, times a matrix.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import NodeProto, helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from triptych.models.config import SessionSettings, fitted, parse_model_config
from triptych.models.model import Model, VersionFiles
from triptych.protocol.tensors import Array
from triptych.tasks.open import open_session

from tests.support.tiny_models import Tensors, model

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "film", "a", "not", "Berlin", "in", "Ada")
SIZE = 4
VECTORS = np.random.default_rng(7).normal(size=(len(WORDS), SIZE)).astype(np.float32)
IDS: Tensors = {"input_ids": ("INT64", ["texts", "tokens"]), "attention_mask": ("INT64", ["texts", "tokens"])}


def heads(classes: int) -> Array:
    """Returns the matrix from the vector of a text or token to its classes."""
    matrix: Array = np.random.default_rng(classes).normal(scale=3, size=(SIZE, classes))
    return matrix.astype(np.float32)


def tokens(*texts: str) -> list[int]:
    """Returns the ids of a text, or of a pair, with special tokens."""
    ids = [2]
    for text in texts:
        ids += [WORDS.index(word) if word in WORDS else 1 for word in text.split()] + [3]
    return ids


def logits(classes: int, *texts: str) -> Array:
    """Returns what a classifier gives for a text, or for a pair."""
    mean: Array = VECTORS[tokens(*texts)].mean(axis=0)
    product: Array = mean @ heads(classes)
    return product


def softmax(values: Array) -> Array:
    """Returns probabilities."""
    powers: Array = np.exp(values - values.max())
    shares: Array = powers / powers.sum()
    return shares


def classifier(classes: int = 2, inputs: Tensors = IDS) -> bytes:
    """Gives `logits` of shape [texts, classes]."""
    nodes = [*_mean(), helper.make_node("MatMul", ["mean", "heads"], ["logits"])]
    output: Tensors = {"logits": ("FP32", ["texts", classes])}
    return model(nodes, inputs, output, vectors=VECTORS, heads=heads(classes), axis=np.array([2]), one=_ONE)


def encoder() -> bytes:
    """Gives `last_hidden_state` of shape [texts, tokens, size]: the vectors themselves."""
    nodes = [
        helper.make_node("Gather", ["vectors", "input_ids"], ["last_hidden_state"]),
        helper.make_node("Identity", ["attention_mask"], ["unused"]),
    ]
    output: Tensors = {"last_hidden_state": ("FP32", ["texts", "tokens", SIZE])}
    return model(nodes, IDS, output, vectors=VECTORS)


def tagger(classes: int) -> bytes:
    """Gives `logits` of shape [texts, tokens, classes]."""
    nodes = [
        helper.make_node("Gather", ["vectors", "input_ids"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "heads"], ["logits"]),
        helper.make_node("Identity", ["attention_mask"], ["unused"]),
    ]
    output: Tensors = {"logits": ("FP32", ["texts", "tokens", classes])}
    return model(nodes, IDS, output, vectors=VECTORS, heads=heads(classes))


_ONE = np.array([1])


def _mean() -> Sequence[NodeProto]:
    return [
        helper.make_node("Gather", ["vectors", "input_ids"], ["hidden"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=1),
        helper.make_node("Unsqueeze", ["mask", "axis"], ["wide"]),
        helper.make_node("Mul", ["hidden", "wide"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "one"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["mask", "one"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
    ]


def tokenizer() -> Tokenizer:
    """Splits at blanks; a file that holds padding and truncation of its own, as many do."""
    made = Tokenizer(WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token=WORDS[1]))
    made.pre_tokenizer = Whitespace()
    made.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    made.enable_padding(length=7)
    made.enable_truncation(3)
    return made


def open_export(directory: Path, toml: str = "") -> Model:
    """Opens the version in a directory, as the loader does."""
    config = parse_model_config(toml)
    session = open_session(VersionFiles("texts", 1, directory), config, SessionSettings())
    return Model("texts", 1, fitted(config, session.signature), session)


def reader() -> bytes:
    """Gives `start_logits` and `end_logits` of shape [texts, tokens]."""
    nodes = [
        helper.make_node("Gather", ["vectors", "input_ids"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "heads"], ["both"]),
        helper.make_node("Split", ["both"], ["start", "end"], axis=2, num_outputs=2),
        helper.make_node("Squeeze", ["start", "axis"], ["start_logits"]),
        helper.make_node("Squeeze", ["end", "axis"], ["end_logits"]),
        helper.make_node("Identity", ["attention_mask"], ["unused"]),
    ]
    output: Tensors = {
        "start_logits": ("FP32", ["texts", "tokens"]),
        "end_logits": ("FP32", ["texts", "tokens"]),
    }
    return model(nodes, IDS, output, vectors=VECTORS, heads=heads(2), axis=np.array([2]))


def add_export(models: Path, name: str, content: bytes, config: Mapping[str, Any], **files: object) -> Path:
    """Puts an export into a repository.

    Args:
        models: The repository.
        name: Name of the model.
        content: Content of the `.onnx` file.
        config: Content of `config.json`.
        files: Content of more files, by their names without `.json`; `__` stands for a slash.

    Returns:
        The directory of the version.
    """
    directory = models / name / "1"
    directory.mkdir(parents=True)
    tokenizer().save(str(directory / "tokenizer.json"))
    written = {
        "config": config,
        "tokenizer_config": {"pad_token": "[PAD]", "cls_token": "[CLS]", "model_max_length": 16},
        **files,
    }
    for file, document in written.items():
        path = directory / f"{file.replace('__', '/')}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))
    (directory / "model.onnx").write_bytes(content)
    return directory
