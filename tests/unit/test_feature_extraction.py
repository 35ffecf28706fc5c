"""Embeddings: vectors of tokens become one, as the modules beside the model say."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from triptych.clock import Deadline
from triptych.errors import ModelUnavailable
from triptych.protocol.datatypes import BYTES
from triptych.protocol.tensors import Array, Tensor

from tests.support.text_exports import IDS, SIZE, VECTORS, add_export, encoder, open_export, tokens
from tests.support.tiny_models import model

LATER = Deadline.after(600)
TEXTS = ["good film", "not a good film", "", "bad"]
MEAN = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}


def embedded(directory: Path, toml: str = "") -> Array:
    """Returns the embeddings of the texts."""
    opened = open_export(directory, toml)
    inputs = {"text": Tensor(BYTES, np.array(TEXTS, dtype=object))}
    return opened.run(inputs, ["embedding"], LATER)["embedding"].values


def vectors() -> list[Array]:
    """Returns the vectors of the tokens of each text."""
    return [VECTORS[tokens(text)] for text in TEXTS]


POOLED = {
    "mean": [each.mean(axis=0) for each in vectors()],
    "cls": [each[0] for each in vectors()],
    "lasttoken": [each[-1] for each in vectors()],
    "max": [each.max(axis=0) for each in vectors()],
    "mean_sqrt_len_tokens": [each.sum(axis=0) / np.sqrt(len(each)) for each in vectors()],
    "weightedmean": [np.average(each, axis=0, weights=np.arange(1, len(each) + 1)) for each in vectors()],
}


@pytest.mark.parametrize("mode", POOLED)
def test_ways_of_pooling(tmp_path: Path, mode: str) -> None:
    """Padding is no part of any of them."""
    pooling = {"pooling_mode": mode}
    directory = add_export(tmp_path, "texts", encoder(), {}, **{"1_Pooling__config": pooling})
    np.testing.assert_allclose(POOLED[mode], embedded(directory), rtol=1e-5)


def test_several_ways(tmp_path: Path) -> None:
    """Several ways stand one after another; the flags of earlier files are read as well."""
    flags = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}
    directory = add_export(tmp_path, "texts", encoder(), {}, **{"1_Pooling__config": flags})
    expected = np.hstack([POOLED["cls"], POOLED["mean"]])
    np.testing.assert_allclose(expected, embedded(directory), rtol=1e-5)
    (output,) = open_export(directory).signature.outputs
    assert (-1, 2 * SIZE) == output.shape


@pytest.mark.parametrize("word", ["mean", "cls", "last", "max"])
def test_own_pooling(tmp_path: Path, word: str) -> None:
    """`[task] pooling` counts more than the files; without either it is the mean."""
    directory = add_export(tmp_path, "texts", encoder(), {})
    expected = POOLED["lasttoken" if word == "last" else word]
    np.testing.assert_allclose(expected, embedded(directory, f'[task]\npooling = "{word}"'), rtol=1e-5)
    np.testing.assert_allclose(POOLED["mean"], embedded(directory), rtol=1e-5)


def modules(*names: str) -> dict[str, Any]:
    """Returns a `modules.json`."""
    path = {"Pooling": "1_Pooling"}
    return {
        "modules": [
            {"idx": index, "type": f"sentence_transformers.models.{name}", "path": path.get(name, "")}
            for index, name in enumerate(names)
        ]
    }


def test_length_one(tmp_path: Path) -> None:
    """Vectors have length 1 where the modules say so, or `[task]`."""
    directory = add_export(tmp_path, "texts", encoder(), {}, **modules("Transformer", "Pooling", "Normalize"))
    np.testing.assert_allclose(np.linalg.norm(embedded(directory), axis=1), 1, rtol=1e-5)
    plain = embedded(directory, "[task]\nnormalize = false")
    np.testing.assert_allclose(POOLED["mean"], plain, rtol=1e-5)


def test_missing_modules(tmp_path: Path) -> None:
    """A module with weights that the graph does not hold would be left out in silence."""
    directory = add_export(tmp_path, "texts", encoder(), {}, **modules("Transformer", "Pooling", "Dense"))
    with pytest.raises(ModelUnavailable, match=r"modules\.json names 'Dense', which the graph"):
        open_export(directory)


def test_unknown_pooling(tmp_path: Path) -> None:
    """A way of pooling that nobody knows is named."""
    pooling = {"pooling_mode": "attention"}
    directory = add_export(tmp_path, "texts", encoder(), {}, **{"1_Pooling__config": pooling})
    with pytest.raises(ModelUnavailable, match="names 'attention', which is no known pooling"):
        open_export(directory)


def test_prompt(tmp_path: Path) -> None:
    """The default prompt stands before every text."""
    said = {"prompts": {"query": "good ", "document": "bad "}, "default_prompt_name": "query"}
    directory = add_export(tmp_path, "texts", encoder(), {}, config_sentence_transformers=said)
    expected = [VECTORS[tokens(f"good {text}")].mean(axis=0) for text in TEXTS]
    np.testing.assert_allclose(expected, embedded(directory), rtol=1e-5)


def test_pooled_by_the_graph(tmp_path: Path) -> None:
    """An export that holds its pooling has an output `sentence_embedding`, which counts."""
    nodes = [
        helper.make_node("Gather", ["vectors", "input_ids"], ["token_embeddings"]),
        helper.make_node("Identity", ["attention_mask"], ["unused"]),
        helper.make_node("ReduceMax", ["token_embeddings", "axis"], ["sentence_embedding"], keepdims=0),
    ]
    content = model(
        nodes,
        IDS,
        {"token_embeddings": ("FP32", ["n", "t", SIZE]), "sentence_embedding": ("FP32", ["n", SIZE])},
        vectors=VECTORS,
        axis=np.array([1]),
    )
    directory = add_export(tmp_path, "texts", content, {}, **modules("Transformer", "Pooling", "Dense"))
    opened = open_export(directory)
    inputs = {"text": Tensor(BYTES, np.array(["good film"], dtype=object))}
    result = opened.run(inputs, ["embedding"], LATER)["embedding"].values
    np.testing.assert_allclose([POOLED["max"][0]], result, rtol=1e-5)


@pytest.mark.parametrize("content", ["[]", "{", '"text"'])
def test_broken_files(tmp_path: Path, content: str) -> None:
    """A file that is not what it should be is named."""
    directory = add_export(tmp_path, "texts", encoder(), {})
    (directory / "config.json").write_text(content)
    with pytest.raises(ModelUnavailable, match=r"config\.json: expected"):
        open_export(directory)


def test_modules_file_is_a_list(tmp_path: Path) -> None:
    """`modules.json` as sentence-transformers writes it."""
    directory = add_export(tmp_path, "texts", encoder(), {}, **modules("Transformer", "Pooling"))
    assert isinstance(json.loads((directory / "modules.json").read_text()), list)
