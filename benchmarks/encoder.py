"""A transformer of the size of all-MiniLM-L6-v2, with weights at random: they do not matter for its speed."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, TensorProto, helper
from triptych.protocol.tensors import Array

from tests.support.tiny_models import model

LAYERS, WIDTH, HEADS, INNER = 6, 384, 12, 1536
WORDS = 4000
"""Of the tokenizer of `search`, which stands beside it."""


def encoder() -> bytes:
    """Makes the model: tokens and their mask in, `last_hidden_state` of shape `[batch, tokens, 384]` out."""
    graph = _Graph()
    hidden = graph.add("Gather", graph.weight(WORDS, WIDTH), "input_ids")
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    padding = graph.add("Sub", mask, graph.constant(np.float32(1)))
    padding = graph.add("Mul", padding, graph.constant(np.float32(1e4)))
    padding = graph.add("Unsqueeze", padding, graph.constant([1, 2]))
    for _ in range(LAYERS):
        hidden = _normalized(graph, graph.add("Add", hidden, _attention(graph, hidden, padding)))
        inner = graph.add("Gelu", graph.add("MatMul", hidden, graph.weight(WIDTH, INNER)))
        outer = graph.add("MatMul", inner, graph.weight(INNER, WIDTH))
        hidden = _normalized(graph, graph.add("Add", hidden, outer))
    graph.nodes.append(helper.make_node("Identity", [hidden], ["last_hidden_state"]))
    tokens = ("INT64", ["batch", "tokens"])
    return model(
        graph.nodes,
        {"input_ids": tokens, "attention_mask": tokens},
        {"last_hidden_state": ("FP32", ["batch", "tokens", WIDTH])},
        **graph.weights,
    )


class _Graph:
    """Nodes and weights, which get names in their order."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: dict[str, Array] = {}
        self._random = np.random.default_rng(WIDTH)

    def add(self, kind: str, *inputs: str, **attributes: int | list[int]) -> str:
        name = f"n{len(self.nodes)}"
        node = helper.make_node(kind, inputs, [name])
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return name

    def weight(self, *shape: int) -> str:
        return self.constant(self._random.standard_normal(shape, np.float32) / np.float32(shape[0] ** 0.5))

    def constant(self, value: object) -> str:
        name = f"w{len(self.weights)}"
        self.weights[name] = np.asarray(value)
        return name


def _attention(graph: _Graph, hidden: str, padding: str) -> str:
    split = graph.constant([0, 0, HEADS, WIDTH // HEADS])
    parts = [graph.add("MatMul", hidden, graph.weight(WIDTH, WIDTH)) for _ in range(3)]
    queries, keys, values = (graph.add("Reshape", part, split) for part in parts)
    queries = graph.add("Transpose", queries, perm=[0, 2, 1, 3])
    keys = graph.add("Transpose", keys, perm=[0, 2, 3, 1])
    values = graph.add("Transpose", values, perm=[0, 2, 1, 3])
    scale = graph.constant(np.float32((WIDTH // HEADS) ** -0.5))
    scores = graph.add("Mul", graph.add("MatMul", queries, keys), scale)
    shares = graph.add("Softmax", graph.add("Add", scores, padding), axis=-1)
    mixed = graph.add("Transpose", graph.add("MatMul", shares, values), perm=[0, 2, 1, 3])
    joined = graph.add("Reshape", mixed, graph.constant([0, 0, WIDTH]))
    return graph.add("MatMul", joined, graph.weight(WIDTH, WIDTH))


def _normalized(graph: _Graph, hidden: str) -> str:
    scale = graph.constant(np.ones(WIDTH, np.float32))
    return graph.add("LayerNormalization", hidden, scale, axis=-1)
