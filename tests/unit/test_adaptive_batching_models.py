"""Real models: what runs together gives what each request gets alone."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import NodeProto, helper
from triptych.errors import TriptychError
from triptych.inference.adaptive_batching import AdaptiveBatcher, Batched
from triptych.inference.request import Prepared
from triptych.inference.rows import prepare_rows
from triptych.inference.tensors import prepare_infer
from triptych.models.config import ModelConfig, SessionSettings, parse_model_config
from triptych.models.model import Model
from triptych.models.session import open_session
from triptych.protocol.datatypes import DATATYPES
from triptych.protocol.infer_request import parse_infer_request
from triptych.protocol.tensors import Array, Tensor
from triptych.rows.options import row_options

from tests.support import tiny_models
from tests.support.identity_models import ONNX_TYPES
from tests.support.prepared_requests import LATER, alone, request_of, summary
from tests.support.properties import examples
from tests.support.tensor_strategies import bits

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "layers" / "models"
EXAMPLES = ROOT / "examples"

type Opener = Callable[[bytes], Model]


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    """Opens the content of a file, and says nothing about whether it may be grouped."""
    return lambda content: opened_in(tmp_path, content)


def opened_in(directory: Path, content: bytes, config: ModelConfig | None = None) -> Model:
    """Opens a model that lies in a directory of its own."""
    path = directory / "model.onnx"
    path.write_bytes(content)
    return Model("tiny", 1, config or ModelConfig(), open_session(path, SessionSettings()))


def sample(name: str) -> Model:
    """Opens a sample model."""
    config = parse_model_config((MODELS / name / "model.toml").read_text())
    session = open_session(MODELS / name / "1" / "model.onnx", SessionSettings())
    return Model(name, 1, config, session)


def penguins(model: Model) -> Iterator[Prepared]:
    """The example rows in pieces of one to three, in three formats."""
    header, *rows = (EXAMPLES / "penguins.csv").read_bytes().splitlines()
    lines = (EXAMPLES / "penguins.jsonl").read_bytes().splitlines()
    for start in range(len(rows)):
        size = 1 + start % 3
        piece, csv = lines[start : start + size], b"\n".join([header, *rows[start : start + size]])
        yield prepare_rows(model, csv, row_options("text/csv", join="island"))
        yield prepare_rows(model, b"\n".join(piece), row_options("application/jsonlines", outputs="species"))
        instances = b'{"instances":[' + b",".join(piece) + b"]}"
        yield prepare_rows(model, instances, row_options("application/json", accept="text/csv"))


def digits(model: Model) -> Iterator[Prepared]:
    """The example images, and noise in one to four images a request."""
    yield prepare_infer(model, parse_infer_request((EXAMPLES / "digits.json").read_bytes(), None))
    noise = np.random.default_rng(3)
    for index in range(29):
        yield request_of(model, image=noise.uniform(0, 16, (1 + index % 4, 8, 8)).astype("<f4"))


def recommender(model: Model) -> Iterator[Prepared]:
    """The example users, as tensors and as rows, and many others."""
    yield prepare_infer(model, parse_infer_request((EXAMPLES / "recommender.json").read_bytes(), None))
    yield prepare_rows(model, (EXAMPLES / "recommender.csv").read_bytes(), row_options("text/csv"))
    for user in range(0, 700, 25):
        yield request_of(model, user_id=np.arange(user, user + 1 + user % 3).reshape(-1, 1))


@pytest.mark.parametrize(
    ("name", "requests_of"), [("penguins", penguins), ("digits", digits), ("recommender", recommender)]
)
def test_sample_models_give_the_same_together(
    name: str, requests_of: Callable[[Model], Iterator[Prepared]]
) -> None:
    """Labels and strings are equal; floats lie within 1e-5 of the largest in their column."""
    model = sample(name)
    requests = list(requests_of(model))
    grouping = AdaptiveBatcher(refuse)
    grouping.run_batched(model, requests, LATER)
    together = grouping.run_batched(model, requests, LATER)
    assert [len(requests)] == [run.requests for run in together.runs]
    for request, outcome in zip(requests, together.outcomes, strict=True):
        results = request.run(LATER)
        assert isinstance(outcome, dict)
        assert list(results) == list(outcome)
        for output, expected in results.items():
            assert_same(expected, outcome[output])
        assert request.answer(results).content_type == request.answer(outcome).content_type


def assert_same(expected: Tensor, actual: Tensor) -> None:
    """Compares two outputs."""
    if expected.values.dtype.kind != "f":
        assert bits(expected) == bits(actual)
        return
    measure = 1e-5 * np.abs(expected.values).max(axis=0, keepdims=True)
    assert expected.shape == actual.shape
    assert (np.abs(expected.values - actual.values) <= measure).all()


def refuse(model: Model) -> None:
    """Fails the test: the rows of this model are independent."""
    raise AssertionError(f"{model.name} was refused")


def node(operator: str, inputs: Sequence[str], output: str, **attributes: int) -> NodeProto:
    """Makes a node with one output."""
    made = helper.make_node(operator, list(inputs), [output])
    made.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    return made


ROWS_THAT_INTERACT = {
    "sum so far": [node("CumSum", ["x", "first"], "y")],
    "softmax": [node("Softmax", ["x"], "y", axis=0)],
    "centred": [node("ReduceMean", ["x", "firsts"], "mean"), node("Sub", ["x", "mean"], "y")],
    "random": [node("RandomNormalLike", ["x"], "y")],
    "recurrent": [
        node("Unsqueeze", ["x", "ones"], "sequence"),
        node("RNN", ["sequence", "weights", "weights"], "states", hidden_size=4),
        node("Squeeze", ["states", "middle"], "y"),
    ],
    "quantized by all rows": [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
        node("DequantizeLinear", ["q", "scale", "zero"], "y"),
    ],
}
CONSTANTS = {
    "first": np.array(0),
    "firsts": np.array([0]),
    "ones": np.array([1]),
    "middle": np.array([1, 2]),
    "weights": np.linspace(-1, 1, 16, dtype="<f4").reshape(1, 4, 4),
}


@pytest.mark.parametrize("nodes", ROWS_THAT_INTERACT.values(), ids=ROWS_THAT_INTERACT)
def test_rows_that_interact_are_found_out(nodes: Sequence[NodeProto], opened: Opener) -> None:
    """A sequence, a graph that normalizes over all rows, random numbers: nothing of that is ever joined."""
    used = {name for made in nodes for name in made.input}
    constants = {name: values for name, values in CONSTANTS.items() if name in used}
    matrix: tiny_models.Tensors = {"x": ("FP32", ["n", 4])}
    model = opened(tiny_models.model(nodes, matrix, {"y": matrix["x"]}, **constants))
    numbers = np.random.default_rng(5)
    requests = [
        request_of(model, x=numbers.normal(size=(1 + index % 3, 4)).astype("<f4")) for index in range(12)
    ]
    refused: list[Model] = []
    grouping = AdaptiveBatcher(refused.append)
    for _ in range(2):
        together = grouping.run_batched(model, requests, LATER)
        assert [1] * 12 == [run.requests for run in together.runs]
        if nodes[0].op_type != "RandomNormalLike":
            assert [alone(request) for request in requests] == [summary(done) for done in together.outcomes]
    assert [model] == refused


@pytest.mark.parametrize("datatype", ONNX_TYPES)
def test_every_datatype_is_joined(datatype: str, opened: Opener) -> None:
    """What goes in comes out, bit by bit, in one run."""
    model = opened(tiny_models.identity(datatype, ["n", 2]))
    requests = [request_of(model, x=array_of(datatype, index)) for index in range(20)]
    grouping = AdaptiveBatcher(refuse)
    grouping.run_batched(model, requests * 2, LATER)
    together = grouping.run_batched(model, requests, LATER)
    assert [20] == [run.requests for run in together.runs]
    assert [alone(request) for request in requests] == [summary(outcome) for outcome in together.outcomes]


def array_of(datatype: str, index: int) -> Array:
    """Makes one or two rows that tell which request they are of."""
    numbers = np.arange(2 * (1 + index % 2)).reshape(-1, 2) + index
    if datatype == "BYTES":
        strings: Array = np.vectorize(lambda number: f"string {number}", otypes=[object])(numbers)
        return strings
    if datatype == "BF16":
        return (0x3F80 + numbers).astype("<u2")
    if datatype == "BOOL":
        return np.equal(numbers % 3, 0)
    return numbers.astype(DATATYPES[datatype].storage)


@pytest.fixture(scope="module")
def lookup(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A table of three; any other index fails when it runs."""
    return opened_in(tmp_path_factory.mktemp("lookup"), tiny_models.lookup())


@examples(60)
@given(st.lists(st.lists(st.integers(-4, 4), max_size=4), max_size=30), st.booleans())
def test_exactly_the_guilty_fail(lookup: Model, indices: list[list[int]], trusted: bool) -> None:  # noqa: FBT001 - drawn
    """Of any size, no rows included, wherever the guilty are: everybody has what it would have alone."""
    model = lookup._replace(config=ModelConfig(group=True if trusted else None))
    requests = [request_of(model, index=np.array(rows, dtype="<i8")) for rows in indices]
    together = AdaptiveBatcher(refuse).run_batched(model, requests, LATER)
    assert [alone(request) for request in requests] == [summary(outcome) for outcome in together.outcomes]
    assert len(requests) == sum(run.requests for run in together.runs)


@pytest.fixture(scope="module")
def adder(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Sum and difference of two columns."""
    inputs: tiny_models.Tensors = {name: ("FP32", ["rows", 1]) for name in ("a", "b")}
    outputs: tiny_models.Tensors = {name: ("FP32", ["rows", 1]) for name in ("sum", "difference")}
    nodes = [node("Add", ["a", "b"], "sum"), node("Sub", ["a", "b"], "difference")]
    content = tiny_models.model(nodes, inputs, outputs)
    return opened_in(tmp_path_factory.mktemp("adder"), content)


NUMBERS = st.floats(-1e6, 1e6, width=32)
PAIRS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=4)
OUTPUTS = st.sampled_from([("sum",), ("difference",), ("difference", "sum"), ()])


@examples(60)
@given(st.lists(st.tuples(PAIRS, OUTPUTS, st.booleans()), max_size=30))
def test_rows_and_tensors_give_the_same_together(
    adder: Model, wanted: list[tuple[list[tuple[float, float]], tuple[str, ...], bool]]
) -> None:
    """Of any size, empty tables included, with any outputs: the answers are equal byte for byte."""
    requests: list[Prepared] = []
    for pairs, outputs, as_rows in wanted:
        if as_rows:
            body = "a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in pairs)
            options = row_options("text/csv", join="all", outputs=",".join(outputs))
            requests.append(prepare_rows(adder, body.encode(), options))
        else:
            array = np.array(pairs, dtype="<f4").reshape(-1, 2)
            requests.append(request_of(adder, outputs, a=array[:, :1], b=array[:, 1:]))
    together = AdaptiveBatcher(refuse).run_batched(adder, requests, LATER)
    expected = [request.answer(request.run(LATER)) for request in requests]
    assert expected == answers(requests, together)


def answers(requests: Sequence[Prepared], together: Batched) -> list[object]:
    """Writes the answers."""
    return [
        outcome if isinstance(outcome, TriptychError) else request.answer(outcome)
        for request, outcome in zip(requests, together.outcomes, strict=True)
    ]
