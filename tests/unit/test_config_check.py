"""Whether what a `model.toml` says fits its model: told when the model is opened, or when it first runs."""

from pathlib import Path

import pytest
from triptych.clock import Deadline
from triptych.errors import ModelUnavailable
from triptych.models.config import ModelConfig, fitted, parse_model_config
from triptych.protocol.datatypes import BYTES, FP32
from triptych.protocol.tensors import Signature, Tensor, TensorSpec, empty_array

from tests.support.realtime import RealtimeFunction, add_model
from tests.support.tiny_models import identity
from tests.unit.fakes.functions import model_of

OUTPUTS = (
    TensorSpec("species", BYTES, (-1,)),
    TensorSpec("probabilities", FP32, (-1, 3)),
    TensorSpec("open", FP32, (-1, -1)),
    TensorSpec("any", FP32, None),
)


def inputs(**shapes: tuple[int, ...] | None) -> Signature:
    """A signature with these inputs."""
    return Signature(tuple(TensorSpec(name, FP32, shape) for name, shape in shapes.items()), OUTPUTS)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            "[labels]\nprobability = ['a', 'b', 'c']",
            (
                "[labels] names 'probability' (did you mean 'probabilities'?), which is no output; "
                "outputs are 'species', 'probabilities', 'open', 'any'"
            ),
        ),
        (
            "[labels]\nprobabilities = ['stays', 'leaves']",
            (
                "[labels] gives 'probabilities' 2 names ('stays', 'leaves'), "
                "and the last axis of its shape [-1, 3] has another size"
            ),
        ),
        (
            "[labels]\nspecies = ['a', 'b', 'c']",
            "[labels] names 'species', which has one value per row and no axis to label",
        ),
        (
            "[missing]\naeg = 40",
            (
                "[missing] names 'aeg' (did you mean 'age'?), which is no input column; "
                "input columns are 'age', 'image_0', 'image_1'"
            ),
        ),
        ("[missing]\nimage_2 = 0", "[missing] names 'image_2' (did you mean 'image_1'?), which"),
        ("columns = ['id', 'age', 'image']\n[missing]\nid = 0", "[missing] names 'id', which is no input"),
    ],
)
def test_what_matches_nothing_is_refused(toml: str, message: str) -> None:
    """With what there is."""
    with pytest.raises(ModelUnavailable) as caught:
        fitted(parse_model_config(toml), inputs(age=(-1, 1), image=(-1, 2)))
    assert str(caught.value).startswith(f"model.toml: {message}")


@pytest.mark.parametrize(
    ("toml", "signature"),
    [
        ("[labels]\nprobabilities = ['a', 'b', 'c']\nopen = ['a']\nany = ['a', 'b']", inputs(x=(-1,))),
        ("[missing]\nx = 1\nimage = 0\nimage_1 = 0", inputs(x=(-1, 1), image=(-1, 2))),
        ("[missing]\nimage_17 = 0", inputs(x=(-1, 1), image=(-1, -1))),
        ("[missing]\nx_3 = 0", inputs(x=(-1, 1), other=None, y=(-1,), x_3=(-1,))),
        ("columns = ['age', 'size']\n[missing]\nage = 0", inputs(x=(-1, 2))),
        ("columns = ['age', 'size']\n[missing]\nx = 0", inputs(x=(-1, 2))),
        ("[missing]\nage = 0", inputs(x=(-1, 2))),  # an only input takes columns of any names
        ("[missing]\nage = 0", inputs(x=(-1, -1))),
    ],
)
def test_what_can_be_meant_passes(toml: str, signature: Signature) -> None:
    """Every name that a column of rows can have is known; so is any axis that the model leaves open."""
    fitted(parse_model_config(toml), signature)


@pytest.mark.parametrize("signature", [inputs(x=(-1, 2)), inputs(x=(-1,)), inputs(x=(-1, 2), y=(-1,))])
def test_a_column_that_no_row_can_have(signature: Signature) -> None:
    """Where the names of columns are known, another one is refused."""
    config = ModelConfig(columns=("age", "size") if len(signature.inputs) == 1 else None, missing={"agee": 1})
    with pytest.raises(ModelUnavailable, match="'agee'"):
        fitted(config, signature)


@pytest.mark.parametrize("shape", [(-1, -1), None])
def test_an_open_axis_is_checked_when_the_model_runs(shape: tuple[int, ...] | None) -> None:
    """The number of entries is known only then."""
    config = ModelConfig(labels={"y": ("cat", "dog")})
    model, _ = model_of(
        lambda arrays: {"y": arrays["x"], "z": arrays["x"]}, {"x": (-1, -1)}, {"y": shape, "z": shape}, config
    )
    fitted(config, model.signature)
    two, three = (Tensor(FP32, empty_array(FP32, (1, size))) for size in (2, 3))
    assert (1, 2) == model.run({"x": two}, ["y"], Deadline.after(1))["y"].shape
    assert (1, 3) == model.run({"x": three}, ["z"], Deadline.after(1))["z"].shape
    expected = (
        r"\[labels\] gives 'y' 2 names \('cat', 'dog'\), and the last axis of its shape \[1, 3\] has an"
    )
    with pytest.raises(ModelUnavailable, match=expected):
        model.run({"x": three}, ["y"], Deadline.after(1))


def test_the_index_says_why_and_the_version_before_is_served(tmp_path: Path) -> None:
    """A version that does not fit its `model.toml` does not open; an older one that does goes on serving."""
    add_model(tmp_path, "pets", identity("FP32", ["n", 2]), 1)
    add_model(tmp_path, "pets", identity("FP32", ["n", 3]), 2)
    (tmp_path / "pets/model.toml").write_text("[labels]\ny = ['cat', 'dog']")
    function = RealtimeFunction(tmp_path)
    entries = {entry["version"]: entry for entry in function.post("/v2/repository/index").json()}
    assert ("READY", "UNAVAILABLE") == (entries["1"]["state"], entries["2"]["state"])
    assert "[labels] gives 'y' 2 names ('cat', 'dog')" in entries["2"]["reason"]
    rows = function.post(
        "/v2/models/{model}/predict", b"x_0,x_1\n1,2\n", {"content-type": "text/csv"}, model="pets"
    )
    assert (200, b"y_cat,y_dog\n1.0,2.0\n") == (rows.status, rows.body)
