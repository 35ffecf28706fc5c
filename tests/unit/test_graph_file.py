"""What is read of an ONNX file without ONNX Runtime."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from triptych.models.graph_file import classes_in, has_external_weights

from tests.support.tiny_models import classifier
from tests.unit.fakes.graphs import write_adder

NODES = ("LinearClassifier", "ZipMap", "Identity")


def test_external_weights(tmp_path: Path) -> None:
    """Weights in a file of their own are told from weights inside, whatever other files lie beside them."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    assert not has_external_weights(write_adder(inside, 1))
    (inside / "tokenizer.json").write_text("{}")
    (inside / "1_Pooling").mkdir()
    assert not has_external_weights(inside / "model.onnx")
    assert has_external_weights(write_adder(outside, 1, external=True))


@given(st.data())
def test_damaged_files(data: st.DataObject) -> None:
    """Any bytes can be read: what they do not say is not there."""
    content = bytearray(classifier("a", "b", zipmap=True))
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=5)):
        content[position] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    with TemporaryDirectory() as directory:
        model = Path(directory, "model.onnx")
        model.write_bytes(content[:end])
        Path(directory, "beside").touch()
        assert len(classes_in(model)) <= len(NODES)
        has_external_weights(model)
