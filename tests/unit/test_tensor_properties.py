"""Any tensor goes through both encodings unchanged: through the codecs, and through the whole function."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper
from triptych.errors import BadRequest
from triptych.protocol.datatypes import BF16, DATATYPES
from triptych.protocol.infer_request import parse_infer_request
from triptych.protocol.json_document import dump
from triptych.protocol.tensor_codecs import decode_binary, decode_json, encode_binary, encode_json
from triptych.protocol.tensors import Tensor

from tests.support.infer_messages import HEADER_LENGTH, Input, outputs_of, raw, request
from tests.support.json_values import nested_json
from tests.support.properties import examples
from tests.support.realtime import RealtimeFunction, add_model
from tests.support.tensor_strategies import WITH_JSON, bits, tensors, tensors_of, without_payload
from tests.support.tiny_models import identity, model

APART = ("BF16", "BYTES")
"""Datatypes that no model can have both of, because ONNX Runtime for Python cannot pass both."""


@dataclass(frozen=True, slots=True)
class Journey:
    """A tensor on its way to a model that gives it back.

    Attributes:
        there: The input.
        binary_back: Whether the output travels as bytes.
    """

    there: Input
    binary_back: bool

    @property
    def expected(self) -> object:
        """What comes back: JSON keeps everything but the payload of a NaN."""
        tensor = self.there.tensor
        return bits(tensor if self.there.binary and self.binary_back else without_payload(tensor))


def journeys(name: str, tensor: Tensor) -> st.SearchStrategy[Journey]:
    """Every way that a tensor can travel."""
    binary = st.just(value=True) if tensor.datatype is BF16 else st.booleans()
    return st.builds(Journey, st.builds(Input, st.just(name), st.just(tensor), binary, st.booleans()), binary)


@st.composite
def journeys_of_all_but(draw: st.DrawFn, missing: str) -> list[Journey]:
    """A tensor of every datatype but one, in any order."""
    names = [name for name in DATATYPES if name != missing]
    return [draw(journeys(name, draw(tensors_of(DATATYPES[name])))) for name in draw(st.permutations(names))]


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> RealtimeFunction:
    """The function with models that give back what they get: one datatype each, or all but one at once."""
    models = tmp_path_factory.mktemp("models")
    for name in DATATYPES:
        add_model(models, name, identity(name, None))
    for missing in APART:
        names = [name for name in DATATYPES if name != missing]
        nodes = [helper.make_node("Identity", [name], [f"{name}_back"]) for name in names]
        inputs = {name: (name, None) for name in names}
        outputs = {f"{name}_back": (name, None) for name in names}
        add_model(models, f"all_but_{missing}", model(nodes, inputs, outputs))
    return RealtimeFunction(models)


@examples(200)
@given(tensors())
def test_binary_codec(tensor: Tensor) -> None:
    """Bytes keep every bit of every tensor."""
    decoded = decode_binary(tensor.datatype, tensor.shape, memoryview(encode_binary(tensor)), "x")
    assert bits(tensor) == bits(decoded)


@examples(200)
@given(tensors(WITH_JSON))
def test_json_codec(tensor: Tensor) -> None:
    """JSON, once written and read, keeps every value, NaN and the infinities too."""
    written = dump(encode_json(tensor, "x"))
    decoded = decode_json(tensor.datatype, tensor.shape, orjson.loads(written), "x")
    assert bits(without_payload(tensor)) == bits(decoded)


@examples(200)
@given(tensors(WITH_JSON))
def test_nested_json(tensor: Tensor) -> None:
    """JSON that is nested as the shape says is the same as flat JSON."""
    nested = orjson.loads(orjson.dumps(nested_json(tensor.values)))
    decoded = decode_json(tensor.datatype, tensor.shape, nested, "x")
    assert bits(without_payload(tensor)) == bits(decoded)


@examples(30)
@given(tensors_of(BF16))
def test_bfloat16_has_no_json(tensor: Tensor) -> None:
    """BF16 is refused in JSON, both ways, by a message that says what to do instead."""
    with pytest.raises(BadRequest, match="input 'x': BF16 has no JSON form; send it in binary"):
        decode_json(BF16, tensor.shape, [0.0] * tensor.values.size, "input 'x'")
    with pytest.raises(BadRequest, match=r"output 'y': BF16 has no JSON form; ask for it .*binary_data"):
        encode_json(tensor, "output 'y'")


@examples(150)
@given(st.data())
def test_request_of_many_inputs(data: st.DataObject) -> None:
    """Inputs in JSON and in binary, in any order, are each given their own values."""
    sent = [
        data.draw(journeys(f"x{number}", data.draw(tensors()))).there
        for number in range(data.draw(st.integers(0, 6)))
    ]
    parsed = parse_infer_request(*request(sent)).inputs
    assert [item.name for item in sent] == [item.name for item in parsed]
    for item, got in zip(sent, parsed, strict=True):
        assert (item.tensor.datatype, item.tensor.shape) == (got.datatype, got.shape)
        if item.binary:
            assert (raw(item.tensor), None) == (bytes(got.raw or b""), got.data)
        else:
            decoded = decode_json(got.datatype, got.shape, got.data or [], "x")
            assert (bits(without_payload(item.tensor)), None) == (bits(decoded), got.raw)


@examples(300)
@given(tensors().flatmap(lambda tensor: journeys("x", tensor)))
def test_one_tensor_through_the_function(function: RealtimeFunction, journey: Journey) -> None:
    """A model that gives back its input gives back every tensor of every datatype."""
    name = journey.there.tensor.datatype.name
    assert {"y": journey.expected} == travelled(function, name, [journey.there], {"y": journey})


@pytest.mark.parametrize("missing", APART)
@examples(40)
@given(data=st.data())
def test_all_datatypes_through_the_function(
    function: RealtimeFunction, missing: str, data: st.DataObject
) -> None:
    """A request may mix datatypes and both encodings, and ask for outputs in any number and order."""
    sent = data.draw(journeys_of_all_but(missing))
    wanted = data.draw(
        st.lists(st.sampled_from(sent), min_size=1, unique_by=lambda journey: journey.there.name)
    )
    outputs = {f"{journey.there.name}_back": journey for journey in wanted}
    back = travelled(function, f"all_but_{missing}", [journey.there for journey in sent], outputs)
    assert [(name, journey.expected) for name, journey in outputs.items()] == list(back.items())


def travelled(
    function: RealtimeFunction, name: str, inputs: list[Input], outputs: dict[str, Journey]
) -> dict[str, object]:
    """Sends inputs to a model, and gives the bits of the outputs that came back, in their order."""
    wanted = [
        {"name": output, "parameters": {"binary_data": journey.binary_back}}
        for output, journey in outputs.items()
    ]
    body, header_length = request(inputs, outputs=wanted)
    answer = function.post("/v2/models/{model}/infer", body, {HEADER_LENGTH: str(header_length)}, model=name)
    assert answer.status == 200, answer.error
    return {output: bits(tensor) for output, tensor in outputs_of(answer).items()}
