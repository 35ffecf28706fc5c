"""The files that an export leaves beside a model, and the task that they name."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from triptych.errors import ModelUnavailable
from triptych.models.config import TaskName
from triptych.models.model import GraphSession
from triptych.protocol.tensors import Signature

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER = "tokenizer.json"
PREPROCESSOR = "preprocessor_config.json"

_HEADS: Mapping[str, TaskName] = {
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForImageClassification": "image-classification",
    "ForObjectDetection": "object-detection",
}
"""Tasks by how the name of the architecture ends in `config.json`."""

_ULTRALYTICS: Mapping[str, TaskName] = {"classify": "image-classification", "detect": "object-detection"}
"""Tasks by the word that Ultralytics writes into the ONNX file."""


class Export:
    """A version's directory as Optimum, sentence-transformers, timm or Ultralytics leave it.

    Args:
        directory: Where the files lie.
        model: The model itself.

    Attributes:
        directory: As given.
        signature: Inputs and outputs of the model itself.
        metadata: What is written inside the ONNX file.
    """

    def __init__(self, directory: Path, model: GraphSession) -> None:
        self.directory = directory
        self.signature: Signature = model.signature
        self.metadata = model.metadata
        self._model = model

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """What `config.json` says."""
        return self.read("config.json")

    @cached_property
    def tokenizer_config(self) -> Mapping[str, Any]:
        """What `tokenizer_config.json` says."""
        return self.read("tokenizer_config.json")

    def has(self, name: str) -> bool:
        """Returns whether there is a file of this name."""
        return (self.directory / name).is_file()

    def read(self, name: str) -> Mapping[str, Any]:
        """Reads a JSON file; empty where there is none.

        Raises:
            ModelUnavailable: It is not a JSON object.
        """
        document = self.document(name)
        if not isinstance(document, dict):
            raise ModelUnavailable(f"{name}: expected a JSON object")
        return document

    def document(self, name: str) -> object:
        """Reads a JSON file of whatever form; an empty object where there is none.

        Raises:
            ModelUnavailable: It is not JSON.
        """
        try:
            return orjson.loads((self.directory / name).read_bytes())
        except FileNotFoundError:
            return {}
        except orjson.JSONDecodeError as error:
            raise ModelUnavailable(f"{name}: expected JSON: {error}") from None

    def token(self, kind: str, tokenizer: Tokenizer) -> int | None:
        """Returns the id of a special token, such as `pad_token`; None where the tokenizer has none."""
        token = self.tokenizer_config.get(kind)
        name = token.get("content") if isinstance(token, dict) else token
        return tokenizer.token_to_id(name) if isinstance(name, str) else None

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes in their order.

        They are `id2label` or timm's `label_names` of `config.json`, or Ultralytics' `names` in the model.

        Raises:
            ModelUnavailable: The names inside the file cannot be read.
        """
        named = self.config.get("id2label") or self._names
        if not named:
            return tuple(map(str, self.config.get("label_names") or ()))
        return tuple(str(named[key]) for key in sorted(named, key=int))

    @property
    def _names(self) -> Mapping[int, str]:
        try:
            return dict(ast.literal_eval(self.metadata.get("names", "{}")))
        except (ValueError, TypeError, SyntaxError) as error:
            raise ModelUnavailable(f"metadata of the model: names cannot be read: {error}") from None

    @property
    def quantizes_as_it_runs(self) -> bool:
        """Whether the graph finds the scale of its integers from the values of each run."""
        return self._model.quantizes_as_it_runs

    @property
    def task(self) -> TaskName | None:
        """The task that the files name; None for a model of tensors."""
        if word := _ULTRALYTICS.get(self.metadata.get("task", "")):
            return word
        return self._image_task or self._text_task

    @property
    def _image_task(self) -> TaskName | None:
        if self._head in {"image-classification", "object-detection"}:
            return self._head
        if "pretrained_cfg" in self.config and self.config.get("num_classes") != 0:
            return "image-classification"
        embeds = "pretrained_cfg" in self.config or (self.has(PREPROCESSOR) and self._head is None)
        return "image-feature-extraction" if embeds and self._takes_pixels else None

    @property
    def _text_task(self) -> TaskName | None:
        if not self.has(TOKENIZER) or not self._takes_tokens:
            return None
        if self._head == "text-classification" and len(self.labels) == 1:
            return "text-ranking"
        return self._head or ("feature-extraction" if self._gives_vectors else None)

    @property
    def _head(self) -> TaskName | None:
        architectures = self.config.get("architectures") or [""]
        return next((task for end, task in _HEADS.items() if str(architectures[0]).endswith(end)), None)

    @property
    def _takes_tokens(self) -> bool:
        return any(spec.name == "input_ids" for spec in self.signature.inputs)

    @property
    def _takes_pixels(self) -> bool:
        first, *others = self.signature.inputs
        return len(first.shape or ()) == 4 and {spec.name for spec in others} <= {"pixel_mask"}

    @property
    def _gives_vectors(self) -> bool:
        """Whether the model is an encoder, and not one that completes texts."""
        return all(spec.name != "logits" for spec in self.signature.outputs)
