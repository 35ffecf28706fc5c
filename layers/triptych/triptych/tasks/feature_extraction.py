"""Feature extraction: texts to embeddings, as sentence-transformers makes them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, override

import numpy as np

from triptych.clock import Deadline
from triptych.errors import BadField, ModelUnavailable
from triptych.models.config import TaskConfig
from triptych.models.model import ModelSession
from triptych.protocol.datatypes import FP32
from triptych.protocol.names import listing
from triptych.protocol.tensors import FREE, Array, Signature, TensorSpec
from triptych.tasks.export import Export
from triptych.tasks.session import TEXT, TaskSession
from triptych.tasks.texts import TextModel, TextRun, Tokens, in_order

_POOLED = "sentence_embedding"
"""Output of exports that hold all modules of sentence-transformers, its pooling among them."""


def _mean(vectors: Array, mask: Array) -> Array:
    mean: Array = (vectors * mask).sum(axis=1) / mask.sum(axis=1)
    return mean


def _mean_of_root(vectors: Array, mask: Array) -> Array:
    return (vectors * mask).sum(axis=1) / np.sqrt(mask.sum(axis=1))


def _weighted_mean(vectors: Array, mask: Array) -> Array:
    return _mean(vectors, mask * np.arange(1, mask.shape[1] + 1, dtype="<f4")[:, None])


def _first(vectors: Array, _: Array) -> Array:
    return vectors[:, 0]


def _last(vectors: Array, mask: Array) -> Array:
    last: Array = vectors[np.arange(len(vectors)), mask[:, :, 0].sum(axis=1).astype(int) - 1]
    return last


def _largest(vectors: Array, mask: Array) -> Array:
    largest: Array = np.where(mask > 0, vectors, -np.inf).max(axis=1)
    return largest


type Pool = Callable[[Array, Array], Array]
"""Makes texts' vectors of those of tokens, `[texts, tokens, size]`, and their mask, `[texts, tokens, 1]`."""

_POOLS: Mapping[str, tuple[str, Pool]] = {
    "cls": ("pooling_mode_cls_token", _first),
    "max": ("pooling_mode_max_tokens", _largest),
    "mean": ("pooling_mode_mean_tokens", _mean),
    "mean_sqrt_len_tokens": ("pooling_mode_mean_sqrt_len_tokens", _mean_of_root),
    "weightedmean": ("pooling_mode_weightedmean_tokens", _weighted_mean),
    "lasttoken": ("pooling_mode_lasttoken", _last),
}
"""Ways of pooling by their names in `1_Pooling/config.json`, and the flags of its earlier form."""


class Embeddings(NamedTuple):
    """Embeddings of texts.

    Attributes:
        vectors: FP32 of shape `[texts, size]`.
        tokens: How many tokens the model read, special ones included.
    """

    vectors: Array
    tokens: int


class FeatureExtraction(TaskSession):
    """Embeddings of texts.

    Args:
        model: Gives a vector for each token or for each text.
        export: The files beside it.
        config: What `[task]` says.

    Raises:
        ModelUnavailable: The export has modules that are not in the graph.
    """

    def __init__(self, model: ModelSession, export: Export, config: TaskConfig) -> None:
        modules = _modules(export)
        self._vectors = _vectors_of(model, pooled=config.pooling is None)
        self._pools: Sequence[Pool] = ()
        if len(self._vectors.shape or ()) == 3:
            self._pools = _pools(export, config, modules)
        self._normalize = "Normalize" in modules if config.normalize is None else config.normalize
        self._prompt = _prompt(export)
        size = (self._vectors.shape or (FREE,))[-1]
        embedding = TensorSpec(
            "embedding", FP32, (FREE, size * max(1, len(self._pools)) if size > 0 else FREE)
        )
        super().__init__(model, Signature((TEXT,), (embedding,), "feature-extraction"))
        self._texts = TextModel(model, export, config)
        self._shorter = _matryoshka(export)

    @override
    def answers(self, inputs: Mapping[str, Array], deadline: Deadline) -> dict[str, Array]:
        return {"embedding": self.embed(inputs["text"], deadline).vectors}

    def embed(self, texts: Iterable[str], deadline: Deadline, dimensions: int | None = None) -> Embeddings:
        """Embeds at least one text.

        Args:
            texts: The texts.
            deadline: When it must have ended.
            dimensions: Size of an embedding; None for the model's own.

        Raises:
            BadField: The model has no embeddings of this size.
            TriptychError: As `ModelSession.run`.
        """
        whole = [self._prompt + text for text in texts]
        return self._embeddings(self._texts.run(whole, [self._vectors.name], deadline), dimensions)

    def embed_tokens(
        self, texts: Sequence[Sequence[int]], deadline: Deadline, dimensions: int | None = None
    ) -> Embeddings:
        """Embeds at least one text of which the caller made the tokens.

        Args:
            texts: Ids of the tokens of each text, special ones included.
            deadline: As for `embed`.
            dimensions: As for `embed`.

        Raises:
            BadRows: They are no tokens of the model, or too many.
            TriptychError: As `embed`.
        """
        tokens = self._texts.checked_ids(texts)
        return self._embeddings(self._texts.run_encodings(tokens, [self._vectors.name], deadline), dimensions)

    def _embeddings[T: Tokens](self, runs: Iterable[TextRun[T]], dimensions: int | None) -> Embeddings:
        parts: list[tuple[Sequence[int], Array]] = []
        tokens = 0
        for run in runs:
            tokens += int(run.mask.sum())
            parts.append((run.texts, self._pooled(run.outputs[self._vectors.name].values, run.mask)))
        vectors = self._cut(in_order(parts), dimensions)
        if self._normalize:
            vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return Embeddings(vectors, tokens)

    def _cut(self, vectors: Array, dimensions: int | None) -> Array:
        size = vectors.shape[1]
        if dimensions is None or dimensions == size:
            return vectors
        if 0 < dimensions < size and dimensions in self._shorter:
            return vectors[:, :dimensions]
        raise BadField(
            "dimensions",
            f"embeddings of the model have {size}, and its config.json declares no matryoshka_dimensions "
            f"of {dimensions}",
        )

    def _pooled(self, vectors: Array, mask: Array) -> Array:
        vectors, wide = vectors.astype("<f4", copy=False), mask[:, :, None].astype("<f4")
        if not self._pools:
            return vectors
        return np.concatenate([pool(vectors, wide) for pool in self._pools], axis=1)


def _vectors_of(model: ModelSession, *, pooled: bool) -> TensorSpec:
    """Returns the output with the vectors of texts, else that with those of tokens."""
    outputs = model.signature.outputs
    named = {spec.name: spec for spec in outputs}
    if pooled and _POOLED in named:
        return named[_POOLED]
    for name in ("last_hidden_state", "token_embeddings"):
        if name in named:
            return named[name]
    ranks = {
        len(spec.shape): spec for spec in reversed(outputs) if spec.shape and spec.datatype.kind == "float"
    }
    found = ranks.get(3) or ranks.get(2)
    if found is None:
        raise ModelUnavailable(
            f"no output of the model, {listing(tuple(named))}, is a vector for each text or token"
        )
    return found


def _modules(export: Export) -> Mapping[str, str]:
    """Returns the folders of the modules of sentence-transformers by the names of their classes."""
    modules = export.document("modules.json")
    listed: list[Any] = modules if isinstance(modules, list) else []
    return {str(module["type"]).rpartition(".")[2]: str(module["path"]) for module in listed}


def _pools(export: Export, config: TaskConfig, modules: Mapping[str, str]) -> Sequence[Pool]:
    """Returns how vectors of tokens become vectors of texts; one after another if there are several."""
    if config.pooling is not None:
        name = "lasttoken" if config.pooling == "last" else config.pooling
        return [_POOLS[name][1]]
    if missing := modules.keys() - {"Transformer", "Pooling", "Normalize"}:
        raise ModelUnavailable(
            f"modules.json names {listing(sorted(missing))}, which the graph of tokens does not hold: export "
            f"the whole with optimum, whose graph has an output {_POOLED!r}"
        )
    said = export.read(f"{modules.get('Pooling', '1_Pooling')}/config.json")
    mode = said.get("pooling_mode") or [name for name, (flag, _) in _POOLS.items() if said.get(flag)]
    names = [mode] if isinstance(mode, str) else list(mode) or ["mean"]
    if unknown := set(names) - _POOLS.keys():
        raise ModelUnavailable(
            f"1_Pooling/config.json names {listing(sorted(unknown))}, which is no known pooling"
        )
    return [_POOLS[name][1] for name in names]


def _matryoshka(export: Export) -> Container[object]:
    """Returns the sizes that embeddings may be cut to, as vLLM finds them: those it was trained for."""
    listed = export.config.get("matryoshka_dimensions")
    if isinstance(listed, list):
        return listed
    return range(1, 2**31) if export.config.get("is_matryoshka") is True else ()


def _prompt(export: Export) -> str:
    """Returns what stands before every text."""
    said = export.read("config_sentence_transformers.json")
    prompts = said.get("prompts") or {}
    return str(prompts.get(said.get("default_prompt_name"), ""))
