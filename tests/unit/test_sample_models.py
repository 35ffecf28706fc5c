"""The sample models in the repository, loaded with ONNX Runtime alone."""

import csv
import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnxruntime import InferenceSession

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "layers" / "models"
EXAMPLES = ROOT / "examples"
NAMES = ["digits", "penguins", "recommender"]

type Tensors = dict[str, np.ndarray[Any, Any]]
type Signatures = dict[str, list[tuple[str, str, list[str | int]]]]

MEASURES = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]

INPUTS: Signatures = {
    "digits": [("image", "tensor(float)", ["batch", 8, 8])],
    "penguins": [
        ("island", "tensor(string)", ["batch", 1]),
        ("bill_length_mm", "tensor(float)", ["batch", 1]),
        ("bill_depth_mm", "tensor(float)", ["batch", 1]),
        ("flipper_length_mm", "tensor(float)", ["batch", 1]),
        ("body_mass_g", "tensor(float)", ["batch", 1]),
        ("sex", "tensor(string)", ["batch", 1]),
        ("year", "tensor(int64)", ["batch", 1]),
    ],
    "recommender": [("user_id", "tensor(int64)", ["batch", 1])],
}
OUTPUTS: Signatures = {
    "digits": [("digit", "tensor(int64)", ["batch"]), ("probabilities", "tensor(float)", ["batch", 10])],
    "penguins": [("species", "tensor(string)", ["batch"]), ("probabilities", "tensor(float)", ["batch", 3])],
    "recommender": [("items", "tensor(string)", ["batch", 10]), ("scores", "tensor(float)", ["batch", 10])],
}


def session(name: str) -> InferenceSession:
    """Load a sample model."""
    return InferenceSession(MODELS / name / "1" / "model.onnx")


def run(name: str, inputs: Tensors) -> Tensors:
    """Answer with every output of a sample model."""
    model = session(name)
    outputs = [output.name for output in model.get_outputs()]
    return dict(zip(outputs, model.run(outputs, inputs), strict=True))


def configuration(name: str) -> dict[str, Any]:
    """Read a sample model's configuration."""
    return tomllib.loads((MODELS / name / "model.toml").read_text(encoding="utf-8"))


def request_tensor(file: str) -> np.ndarray[Any, Any]:
    """Read the one input of an inference request among the examples, in its shape."""
    [tensor] = json.loads((EXAMPLES / file).read_text(encoding="utf-8"))["inputs"]
    dtype = {"FP32": np.float32, "INT64": np.int64}[tensor["datatype"]]
    return np.array(tensor["data"], dtype).reshape(tensor["shape"])


def penguin_tensors(rows: list[dict[str, Any]]) -> Tensors:
    """Make a tensor of shape [N, 1] of each column; missing cells become NaN and "", as in the row codec."""
    measures = {name: [np.nan if row[name] is None else row[name] for row in rows] for name in MEASURES}
    strings = {name: [row[name] or "" for row in rows] for name in ("island", "sex")}
    return {
        **{name: np.array(values, np.float32)[:, None] for name, values in measures.items()},
        **{name: np.array(values, object)[:, None] for name, values in strings.items()},
        "year": np.array([row["year"] for row in rows], np.int64)[:, None],
    }


def penguins() -> list[dict[str, Any]]:
    """Read the example penguins; a missing cell is None."""
    instances: list[dict[str, Any]] = json.loads((EXAMPLES / "penguins.json").read_text())["instances"]
    return instances


def example(name: str) -> Tensors:
    """Read a model's example input."""
    if name == "penguins":
        return penguin_tensors(penguins())
    return {INPUTS[name][0][0]: request_tensor(f"{name}.json")}


@pytest.fixture
def species() -> list[str]:
    """Species of the example penguins, as the data set has them."""
    return [*["Adelie"] * 3, *["Chinstrap"] * 3, *["Gentoo"] * 3, *["Adelie"] * 2]


@pytest.mark.parametrize("name", NAMES)
def test_signature(name: str) -> None:
    """Inputs and outputs have their names, types and shapes; only the batch axis is open."""
    model = session(name)
    assert INPUTS[name] == [(node.name, node.type, node.shape) for node in model.get_inputs()]
    assert OUTPUTS[name] == [(node.name, node.type, node.shape) for node in model.get_outputs()]


@pytest.mark.parametrize("name", NAMES)
def test_file(name: str) -> None:
    """A model is valid ONNX in one file under a megabyte."""
    path = MODELS / name / "1" / "model.onnx"
    onnx.checker.check_model(str(path), full_check=True)
    assert path.stat().st_size < 1_000_000


@pytest.mark.parametrize("name", NAMES)
def test_configuration(name: str) -> None:
    """The configuration lists the model's inputs in order, and a label for each entry of an output."""
    settings = configuration(name)
    widths = {output: shape[-1] for output, _, shape in OUTPUTS[name]}
    assert [column for column, _, _ in INPUTS[name]] == settings["columns"]
    assert {output: widths[output] for output in settings["labels"]} == {
        output: len(labels) for output, labels in settings["labels"].items()
    }
    assert settings["description"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [1, 7])
def test_batch(name: str, count: int) -> None:
    """A row is answered the same alone, among seven and among all."""
    inputs = example(name)
    rows = len(next(iter(inputs.values())))
    order = np.arange(count) % rows
    expected = run(name, inputs)
    actual = run(name, {column: values[order] for column, values in inputs.items()})
    for output, values in expected.items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(actual[output], values[order], rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(actual[output], values[order])


def test_penguins(species: list[str]) -> None:
    """Every example penguin is recognized, also with missing values; the labels name the probabilities."""
    answer = run("penguins", example("penguins"))
    labels = configuration("penguins")["labels"]["probabilities"]
    assert species == answer["species"].tolist()
    assert species == [labels[index] for index in answer["probabilities"].argmax(axis=1)]


def test_penguins_nothing_known() -> None:
    """A penguin without a single known value gets probabilities that are finite and add up to one."""
    nothing = {"island": None, **dict.fromkeys(MEASURES), "sex": None, "year": 2008}
    [probabilities] = run("penguins", penguin_tensors([nothing]))["probabilities"]
    assert np.isfinite(probabilities).all()
    assert pytest.approx(1, abs=1e-5) == probabilities.sum()


def test_penguins_unknown_category(species: list[str]) -> None:
    """An island and a sex that were never seen count as none: the measures still tell the species."""
    strangers = [row | {"island": "Atlantis", "sex": "unknown"} for row in penguins()[:9]]
    assert species[:9] == run("penguins", penguin_tensors(strangers))["species"].tolist()


def test_penguin_files_agree() -> None:
    """The three files of penguins hold the same rows, with the columns in the configuration's order."""
    lines = (EXAMPLES / "penguins.jsonl").read_text().splitlines()
    with (EXAMPLES / "penguins.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        cells = list(reader)
    assert configuration("penguins")["columns"] == reader.fieldnames
    assert penguins() == [json.loads(line) for line in lines]
    assert cells == [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in penguins()
    ]


def test_digits() -> None:
    """Both example images are read, and the labels name the probabilities."""
    expected = [7, 6]
    answer = run("digits", example("digits"))
    labels = configuration("digits")["labels"]["probabilities"]
    assert expected == answer["digit"].tolist()
    assert expected == [int(labels[index]) for index in answer["probabilities"].argmax(axis=1)]
    np.testing.assert_allclose(answer["probabilities"].sum(axis=1), 1, rtol=1e-5)


def test_recommender() -> None:
    """Each user has ten different films, best first, and not the same ones as another user."""
    answer = run("recommender", example("recommender"))
    films = [tuple(row) for row in answer["items"].tolist()]
    assert {10} == {len(set(row)) for row in films}
    assert len(films) == len(set(films))
    assert (np.diff(answer["scores"], axis=1) <= 0).all()


def test_recommender_unknown_user() -> None:
    """Ids that nobody has are given the popular films."""
    nobody = np.array([[0], [-1], [999_999], [2**63 - 1]])
    films = run("recommender", {"user_id": nobody})["items"].tolist()
    assert [films[0]] * 4 == films
    assert {"Forrest Gump (1994)", "Pulp Fiction (1994)", "Toy Story (1995)"} < set(films[0])


def test_recommender_files_agree() -> None:
    """Both files of users hold the same ids."""
    header, *users = (EXAMPLES / "recommender.csv").read_text().splitlines()
    assert configuration("recommender")["key"] == header
    assert request_tensor("recommender.json")[:, 0].tolist() == [int(user) for user in users]
