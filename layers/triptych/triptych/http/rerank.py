"""Reranking, in the form that Cohere, Jina and others share.

A model with the task `text-ranking`, a cross-encoder, reads the query with each document. One with the task
`feature-extraction` embeds them, and the score is the cosine of the angle between two embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from triptych.clock import Deadline
from triptych.errors import BadField, BadRequest
from triptych.http.fields import flag, text, whole_number
from triptych.http.inference import answer_message
from triptych.http.models import InferenceServices
from triptych.http.request import Request
from triptych.http.response import Response
from triptych.inference.request import Answer
from triptych.models.model import Model
from triptych.protocol.datatypes import BYTES, FP32
from triptych.protocol.json_document import dump, json_type
from triptych.protocol.media_types import JSON
from triptych.protocol.tensors import Array, Tensor

MAX_DOCUMENTS = 2048
"""Documents of one request, as Jina takes them."""

_FIELDS = ("model", "query", "documents", "top_n", "return_documents")


def rerank(services: InferenceServices, request: Request) -> Response:
    """Sorts documents by how well they answer a query."""
    return answer_message(services, request, _FIELDS, _prepared)


class _PreparedRanking(NamedTuple):
    """A request to rank documents; see `Servable`."""

    model: Model
    query: str
    documents: Sequence[Mapping[str, Any]]
    top_n: int | None
    return_documents: bool

    @property
    def rows(self) -> int:
        """How many documents there are."""
        return len(self.documents)

    def run(self, deadline: Deadline) -> dict[str, Tensor]:
        """Scores the documents."""
        texts = [document["text"] for document in self.documents]
        task = self.model.signature.task
        if task == "text-ranking":
            inputs = {"query": _strings([self.query] * len(texts)), "text": _strings(texts)}
            return self.model.run(inputs, ["score"], deadline)
        if task == "feature-extraction":
            embedded = self.model.run({"text": _strings([self.query, *texts])}, ["embedding"], deadline)
            return {"score": Tensor(FP32, _cosines(embedded["embedding"].values))}
        does = f"the task {task!r}" if task else "tensors"
        raise BadField(
            "model",
            f"{self.model.name!r} is for {does}, and ranking needs 'text-ranking' or 'feature-extraction'",
        )

    def answer(self, results: Mapping[str, Tensor]) -> Answer:
        """Writes the documents' places, the best first."""
        scores = results["score"].values
        if scores.shape != (self.rows,):
            raise BadRequest(f"the model gives {list(scores.shape)} scores for {self.rows} documents")
        best = np.argsort(-scores, kind="stable")[: self.top_n].tolist()
        ranked = [
            {"index": index, "relevance_score": scores[index], **self._returned(index)} for index in best
        ]
        return Answer(dump({"model": f"{self.model.name}:{self.model.version}", "results": ranked}), JSON)

    def _returned(self, index: int) -> Mapping[str, Any]:
        return {"document": self.documents[index]} if self.return_documents else {}


def _prepared(model: Model, message: Mapping[str, Any]) -> _PreparedRanking:
    documents, top_n = _documents(message.get("documents")), whole_number(message, "top_n")
    return _PreparedRanking(
        model, text(message, "query"), documents, top_n, flag(message, "return_documents")
    )


def _documents(value: object) -> Sequence[Mapping[str, Any]]:
    """Returns the documents of a message, as objects with a `text`.

    Raises:
        BadField: There are none, too many, or something else.
    """
    if not isinstance(value, list) or not value:
        got = "an empty array" if value == [] else json_type(value)
        raise BadField("documents", f"expected an array of texts, or of objects with a text, got {got}")
    if len(value) > MAX_DOCUMENTS:
        raise BadField("documents", f"expected at most {MAX_DOCUMENTS}, got {len(value)}; send less at once")
    documents = [{"text": each} if isinstance(each, str) else each for each in value]
    for index, document in enumerate(documents):
        if not isinstance(document, dict) or not isinstance(document.get("text"), str):
            raise BadField(f"documents[{index}]", "expected text, or an object with a text")
    return documents


def _strings(texts: Sequence[str]) -> Tensor:
    return Tensor(BYTES, np.array(texts, dtype=object))


def _cosines(vectors: Array) -> Array:
    """Returns the cosines of the first vector with each of the others."""
    norms = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    unit = vectors / norms
    cosines: Array = unit[1:] @ unit[0]
    return cosines
