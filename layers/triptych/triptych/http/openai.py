"""The part of OpenAI's API that its clients use for embeddings, and the list of models.

A model with the task `feature-extraction` answers. Failures have OpenAI's form (`http/failures.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pybase64

from triptych.clock import Deadline
from triptych.errors import BadField
from triptych.http.fields import choice, text, whole_number
from triptych.http.inference import answer_message
from triptych.http.models import InferenceServices
from triptych.http.request import Request
from triptych.http.response import Response, json_response
from triptych.inference.request import Answer
from triptych.models.model import Model
from triptych.protocol.datatypes import FP32, INT64
from triptych.protocol.json_document import dump, json_type
from triptych.protocol.media_types import JSON
from triptych.protocol.tensors import Array, Tensor

if TYPE_CHECKING:
    from triptych.tasks.feature_extraction import FeatureExtraction

MAX_INPUTS = 2048
"""Texts of one request, as OpenAI takes them."""

_FIELDS = ("model", "input", "encoding_format", "dimensions", "user")
_ENCODINGS = ("float", "base64")
_EXPECTED = "expected text, an array of texts, an array of tokens, or an array of arrays of tokens"


def embeddings(services: InferenceServices, request: Request) -> Response:
    """Embeds texts."""
    return answer_message(services, request, _FIELDS, _prepared)


def models(services: InferenceServices, _request: Request) -> Response:
    """Lists the models of the repository."""
    listed = [
        {"id": name, "object": "model", "created": 0, "owned_by": "triptych"}
        for name in services.repository.names()
    ]
    return json_response({"object": "list", "data": listed})


class _Inputs(NamedTuple):
    """Texts, or the ids of their tokens."""

    texts: Sequence[str] = ()
    tokens: Sequence[Sequence[int]] = ()


class _PreparedEmbeddings(NamedTuple):
    """A request for embeddings; see `Servable`."""

    model: Model
    session: FeatureExtraction
    inputs: _Inputs
    encoding: str
    dimensions: int | None

    @property
    def rows(self) -> int:
        """How many texts there are."""
        return len(self.inputs.texts) + len(self.inputs.tokens)

    def run(self, deadline: Deadline) -> dict[str, Tensor]:
        """Embeds the texts, and counts their tokens."""
        session, (texts, tokens) = self.session, self.inputs
        if texts:
            vectors, count = session.embed(texts, deadline, self.dimensions)
        else:
            vectors, count = session.embed_tokens(tokens, deadline, self.dimensions)
        return {"embedding": Tensor(FP32, vectors), "tokens": Tensor(INT64, np.array(count))}

    def answer(self, results: Mapping[str, Tensor]) -> Answer:
        """Writes the list of embeddings."""
        tokens = int(results["tokens"].values)
        data = [
            {"object": "embedding", "index": index, "embedding": self._encoded(vector)}
            for index, vector in enumerate(np.ascontiguousarray(results["embedding"].values, "<f4"))
        ]
        body = {
            "object": "list",
            "data": data,
            "model": f"{self.model.name}:{self.model.version}",
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
        return Answer(dump(body), JSON)

    def _encoded(self, vector: Array) -> Array | str:
        return vector if self.encoding == "float" else pybase64.b64encode_as_string(vector.tobytes())


def _prepared(model: Model, message: Mapping[str, Any]) -> _PreparedEmbeddings:
    if message.get("user") is not None:
        text(message, "user")
    encoding, dimensions = choice(message, "encoding_format", _ENCODINGS), whole_number(message, "dimensions")
    return _PreparedEmbeddings(model, _embedder(model), _inputs(message), encoding, dimensions)


def _embedder(model: Model) -> FeatureExtraction:
    """Returns the session that embeds texts.

    Raises:
        BadField: The model does something else.
    """
    if model.signature.task == "feature-extraction":
        # Its tokenizers are imported already: a model with this task is open.
        from triptych.tasks.feature_extraction import FeatureExtraction  # noqa: PLC0415

        if isinstance(model.session, FeatureExtraction):
            return model.session
        raise BadField("model", f"{model.name!r} has code of its own; POST /v2/models/{model.name}/predict")
    task = model.signature.task
    does = f"the task {task!r}" if task else "tensors"
    raise BadField("model", f"{model.name!r} is for {does}, and embeddings need 'feature-extraction'")


def _inputs(message: Mapping[str, Any]) -> _Inputs:
    """Returns the texts, or the tokens, of a message.

    Raises:
        BadField: There is nothing, too much, or something else.
    """
    value = message.get("input")
    listed: list[Any] = value if isinstance(value, list) else [value]
    kinds = set(map(type, listed))
    if kinds == {int}:
        listed, kinds = [listed], {list}
    if len(listed) > MAX_INPUTS:
        raise BadField("input", f"expected at most {MAX_INPUTS} texts, got {len(listed)}; send less at once")
    if kinds == {str}:
        return _Inputs(texts=listed)
    if kinds == {list} and all(set(map(type, tokens)) <= {int} for tokens in listed):
        return _Inputs(tokens=listed)
    got = "an array of something else" if listed is value and listed else json_type(value)
    raise BadField("input", f"{_EXPECTED}, got {got if value != [] else 'an empty array'}")
