"""Embeddings of reviews for semantic search: latent semantic analysis (the reviews of `reviews`)."""

import numpy as np
import onnx
from onnx import numpy_helper, parser
from sklearn.decomposition import TruncatedSVD

from training.artefact import IR_VERSION, OPSETS, Artefact, finish
from training.texts import SPECIAL, Weighed, counts, files, learn, load, token_tensors

SEED = 0
SIZE = 48
CHECKED = 50  # reviews whose vectors are compared
LONG = 200  # characters of a review whose halves shall find one another
BEST = 10

GRAPH = f"""
<ir_version: {IR_VERSION}, opset_import: ["": {OPSETS[""]}]>
search (int64[batch, tokens] input_ids, int64[batch, tokens] attention_mask)
    => (float[batch, tokens, {SIZE}] last_hidden_state) {{
    pieces = Gather(vectors, input_ids)
    two = Constant<value = int64[1] {{2}}>()
    mask = Cast<to = {onnx.TensorProto.FLOAT}>(attention_mask)
    column = Unsqueeze(mask, two)
    last_hidden_state = Mul(pieces, column)
}}
"""
MODULES = ("Transformer", "Pooling", "Normalize")
FILES = {
    "config.json": {"architectures": ["BagOfWordsModel"], "hidden_size": SIZE},
    "modules.json": [
        {
            "idx": index,
            "name": str(index),
            "path": f"{index}_{name}" if index else "",
            "type": f"sentence_transformers.models.{name}",
        }
        for index, name in enumerate(MODULES)
    ],
    "1_Pooling/config.json": {"word_embedding_dimension": SIZE, "pooling_mode_mean_tokens": True},
}


def train() -> Artefact:
    """Train on the reviews of some products, measure on those of others."""
    fitted, held_out = load("training").texts, load("testing").texts
    weighed = learn(fitted)
    vectors = piece_vectors(weighed, fitted)
    halves = [(text[: len(text) // 2], text[len(text) // 2 :]) for text in held_out if len(text) > LONG]
    firsts, seconds = (embed(weighed, vectors, list(texts)) for texts in zip(*halves, strict=True))
    likeness = firsts @ seconds.T
    better = (likeness > np.diag(likeness)[:, None]).sum(axis=1)
    inputs = token_tensors(weighed.tokenizer, held_out[:CHECKED])
    return Artefact(
        model=export(vectors),
        metrics={
            "held_out_halves": len(halves),
            "found_first": round(float(np.mean(better == 0)), 4),
            f"found_among_{BEST}": round(float(np.mean(better < BEST)), 4),
            f"found_among_{BEST}_by_chance": round(BEST / len(halves), 4),
        },
        inputs=inputs,
        expected={"last_hidden_state": vectors[inputs["input_ids"]] * inputs["attention_mask"][:, :, None]},
        examples={},
        files={**FILES, **files(weighed.tokenizer)},
    )


def piece_vectors(weighed: Weighed, texts: list[str]) -> np.ndarray:
    """Learn a vector for each piece of a word, shape [pieces, SIZE]; the mean text has none."""
    analysis = TruncatedSVD(SIZE, random_state=SEED).fit(weighed.vectors(texts))
    vectors = weighed.rarity[:, None] * analysis.components_.T
    pieces = counts(weighed.tokenizer, texts)
    means = pieces @ vectors / np.asarray(pieces.sum(axis=1))
    vectors -= means.mean(axis=0)
    vectors[: len(SPECIAL)] = 0
    return vectors.astype(np.float32)


def embed(weighed: Weighed, vectors: np.ndarray, texts: list[str]) -> np.ndarray:
    """Add up the vectors of texts, to length 1, shape [texts, SIZE]."""
    sums = counts(weighed.tokenizer, texts) @ vectors
    return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def export(vectors: np.ndarray) -> onnx.ModelProto:
    """Put the vectors into the graph above."""
    model = parser.parse_model(GRAPH)
    model.graph.initializer.append(numpy_helper.from_array(vectors, "vectors"))
    return finish(model)
