"""What `make inspect` says of models: exports of each kind, and each that would not be served."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, helper

from adding import inspection
from adding.examples import picture
from adding.inspection import Inspection, inspect
from adding.look import Look, Request, look
from adding.report import lines
from adding.source import Source, find_source
from adding.verdict import NotServed
from local.failure import LocalFailure
from tests.support import image_exports, text_exports
from tests.support.tiny_models import Tensors, identity, model, sequence, sum_and_difference
from tests.unit.fakes.graphs import WEIGHTS_FILE, write_adder


def seen(place: Path, model_toml: str = "", memory: int = 1769) -> Look:
    """Looks at the files of a folder in this process, without a bound on its memory."""
    version = place.parent / "repository" / "m" / "1"
    find_source(place).write(version)
    (version.parent / "model.toml").write_text(model_toml)
    return look(Request(str(version.parents[1]), "m", 1, memory, 0.0))


def export(directory: Path, content: bytes, name: str = "model.onnx") -> Path:
    """Writes the folder of an export."""
    path = directory / "export" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return directory / "export"


def custom() -> bytes:
    """Makes a model with an operator of its exporter's own."""
    node = helper.make_node("Magic", ["x"], ["y"], domain="com.example")
    made = ModelProto.FromString(model([node], {"x": ("FP32", ["n"])}, {"y": ("FP32", ["n"])}))
    made.opset_import.append(helper.make_opsetid("com.example", 1))
    return bytes(made.SerializeToString())


@pytest.fixture(autouse=True)
def _unbound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adding.look.bound_memory", lambda _: None)
    monkeypatch.setattr("adding.look.MEASURED", 0.001)


def test_a_model_of_tensors(tmp_path: Path) -> None:
    """It runs on numbers that are made up, with as many rows as asked."""
    found = seen(export(tmp_path, sum_and_difference()))
    assert ("", "") == (found.refused, found.task)
    assert ["a", "b"] == [spec["name"] for spec in found.inputs]
    assert {"1", "8", "64"} == set(found.seconds)
    assert min(found.seconds.values()) > 0
    assert found.peak > found.memory > 0
    assert {} == found.warnings
    assert {"sum", "difference"} == set(json.loads(found.answer))


def test_a_text_export(tmp_path: Path) -> None:
    """A task runs on texts."""
    directory = text_exports.add_export(
        tmp_path, "texts", text_exports.classifier(), {"architectures": ["XForSequenceClassification"]}
    )
    found = seen(directory)
    assert "text-classification" == found.task
    assert found.row is not None
    assert ["text"] == list(found.row)


def test_an_image_export(tmp_path: Path) -> None:
    """A task runs on pictures."""
    config, processor = image_exports.CONFIG, image_exports.PROCESSOR
    image_exports.add_export(
        tmp_path, "images", image_exports.classifier(), config=config, preprocessor_config=processor
    )
    found = seen(tmp_path / "images" / "1")
    assert "" == found.refused
    assert "image-classification" == found.task


@pytest.mark.parametrize(
    ("content", "reason", "way_out"),
    [
        (sequence(), r"seq\(tensor\(float\)\)", "stack a sequence"),
        (identity("FP32", [3, 4]), "no batch axis: the first dimension of input 'x'", "open first dimension"),
        (b"not a model", "is the upload complete", "cut off"),
        (
            custom(),
            "com.example:Magic",
            "no custom ones",
        ),
    ],
    ids=["sequence", "no batch axis", "no model", "custom operator"],
)
def test_refusals(content: bytes, reason: str, way_out: str, tmp_path: Path) -> None:
    """What would not be served is refused with the reason and the way out."""
    source = find_source(export(tmp_path, content))
    with pytest.raises(NotServed, match=reason) as refused:
        inspect("m", source)
    assert way_out in refused.value.way_out


def test_missing_weights(tmp_path: Path) -> None:
    """Weights in files that are not there are named; there, they are part of the version."""
    write_adder(tmp_path / "export", 1, external=True)
    assert {"model.onnx", WEIGHTS_FILE} == set(find_source(tmp_path / "export").files)
    (tmp_path / "export" / WEIGHTS_FILE).unlink()
    with pytest.raises(NotServed, match=WEIGHTS_FILE):
        find_source(tmp_path / "export")


def test_weights_astray(tmp_path: Path) -> None:
    """Weights that the graph looks for elsewhere would not be found."""
    content = write_adder(tmp_path / "export", 1, external=True)
    content.write_bytes(content.read_bytes().replace(b"weights.bin", b"../ghts.bin"))
    with pytest.raises(NotServed, match=r"\.\./ghts\.bin, which is not beside it"):
        find_source(tmp_path / "export")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"model.safetensors": b""}, "optimum-cli export onnx"),
        ({"readme.md": b""}, "holds no .onnx file"),
        ({"a.onnx": b"", "b.onnx": b""}, r"several models \(a.onnx, b.onnx\): name one"),
        ({"model.onnx": b"version https://git-lfs.github.com/spec/v1"}, "git lfs pull"),
    ],
)
def test_folders_without_a_model(files: dict[str, bytes], message: str, tmp_path: Path) -> None:
    """Each says what to do."""
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(LocalFailure, match=message):
        find_source(tmp_path)


@pytest.mark.parametrize(
    ("given", "files"),
    [
        ("", {"config.json", "1_Pooling/config.json", "onnx/model.onnx"}),
        ("onnx/model_q.onnx", {"config.json", "1_Pooling/config.json", "onnx/model.onnx"}),
        ("other.onnx", {"model.onnx"}),
    ],
)
def test_what_is_taken(given: str, files: set[str], tmp_path: Path) -> None:
    """Of an export what serves; other weights stay. A file alone comes alone, but for one in `onnx`."""
    for name in (
        "config.json", "1_Pooling/config.json", "model.safetensors", "onnx/model.onnx", "onnx/model_q.onnx",
        ".hidden.json", "openvino/a.json", "other.onnx",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"{}")
    source = find_source(tmp_path / given)
    assert files == set(source.files)
    assert list(source.files)[-1].endswith("model.onnx")
    assert (tmp_path / (given or "onnx/model.onnx")) == source.files[source.graph]


def test_rows_that_interact(tmp_path: Path) -> None:
    """A model whose rows change one another is served, with a warning."""
    content = model(
        [
            helper.make_node("ReduceMean", ["x", "axis"], ["mean"], keepdims=1),
            helper.make_node("Sub", ["x", "mean"], ["y"]),
        ],
        {"x": ("FP32", ["n", 2])},
        {"y": ("FP32", ["n", 2])},
        axis=np.array([0]),
    )
    assert "rows_interact" in seen(export(tmp_path, content)).warnings


def test_a_fixed_batch_axis(tmp_path: Path) -> None:
    """A model of one row at a time is served, with a warning."""
    assert ["fixed_batch_axis"] == list(seen(export(tmp_path, identity("FP32", [1, 4]))).warnings)


def test_no_tokenizer(tmp_path: Path) -> None:
    """A model of tokens without a tokenizer is served as it is, with a warning."""
    found = seen(export(tmp_path, text_exports.classifier()))
    assert ["missing_tokenizer"] == list(found.warnings)
    assert "" == found.task


def test_outputs_without_rows(tmp_path: Path) -> None:
    """Where all outputs are without rows, it is refused; where some are, the others are named."""
    inputs: Tensors = {"x": ("FP32", ["n"])}
    same: Tensors = {"y": ("FP32", ["n"])}
    added: Tensors = {"sum": ("FP32", [1])}
    add = helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=1)
    assert "no batch axis" in seen(export(tmp_path / "none", model([add], inputs, added))).refused
    nodes = [helper.make_node("Identity", ["x"], ["y"]), add]
    found = seen(export(tmp_path / "one", model(nodes, inputs, {**same, **added})))
    assert "sum; ask with outputs=y" in found.warnings["outputs_without_rows"]


def test_open_dimensions_are_found(tmp_path: Path) -> None:
    """A dimension that must have one size, though the file leaves it open, is found by trying."""
    content = model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        {"x": ("FP32", ["n", "features"])},
        {"y": ("FP32", ["n", 1])},
        w=np.ones((28, 1), dtype=np.float32),
    )
    found = seen(export(tmp_path, content))
    assert "" == found.refused
    assert found.row is not None
    assert 28 == len(found.row["x"])


def test_own_rows(tmp_path: Path) -> None:
    """Rows of the user count, where made up ones do not fit."""
    content = model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        {"x": ("FP32", ["n", "features"])},
        {"y": ("FP32", ["n", 1])},
        w=np.ones((3, 1), dtype=np.float32),
    )
    source = find_source(export(tmp_path, content))
    with pytest.raises(NotServed, match="made up") as refused:
        inspect("m", source)
    assert "EXAMPLE=" in refused.value.way_out
    rows = tmp_path / "rows.csv"
    rows.write_text("x_0,x_1,x_2\n1,2,3\n")
    assert "6.0" in inspect("m", source, example=rows).look.answer


def test_an_own_picture(tmp_path: Path) -> None:
    """A picture of the user is an example, too."""
    config, processor = image_exports.CONFIG, image_exports.PROCESSOR
    image_exports.add_export(
        tmp_path, "images", image_exports.classifier(), config=config, preprocessor_config=processor
    )
    path = tmp_path / "mine.jpg"
    path.write_bytes(picture(3))
    found = inspect("m", find_source(tmp_path / "images/1"), example=path).look
    assert found.row is None
    assert "label" in found.answer


def test_too_large_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is opened that /tmp of a function cannot hold."""
    monkeypatch.setattr(inspection, "LARGEST_DISK", 64)
    with pytest.raises(NotServed, match="more than /tmp"):
        inspect("m", find_source(export(tmp_path, sum_and_difference())))


def test_more_memory_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that does not open in the memory of one processor is measured with more."""
    tried: list[int] = []

    def looked(request: Request) -> Look:
        tried.append(request.memory)
        return (
            Look(refused="out of memory", out_of_memory=True) if len(tried) < 3 else Look(seconds={"1": 1.0})
        )

    monkeypatch.setattr(inspection, "look_apart", looked)
    assert 3538 == inspect("m", find_source(export(tmp_path, sum_and_difference()))).measured_at
    assert [1769, 3008, 3538] == tried


def test_not_enough_memory(tmp_path: Path) -> None:
    """The memory of a function is a bound, and the reason says so."""
    found = seen(export(tmp_path, sum_and_difference()), memory=8)
    assert found.out_of_memory
    assert "of memory" in found.refused


@pytest.mark.parametrize(
    ("code", "reason", "out_of_memory"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL", True),
        ("raise SystemExit('no such thing')", "no such thing", False),
    ],
)
def test_crashes(
    code: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, out_of_memory: bool
) -> None:
    """A model that ends the process is refused, and ends nothing else."""
    script = tmp_path / "python"
    script.write_text(f"#!/usr/bin/env python3\n{code}\n")
    script.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(script))
    found = inspection.look_apart(Request("", "m", 1, 1769, 0.0))
    assert reason in found.refused
    assert out_of_memory == found.out_of_memory


def figures(peak: int, **changes: Any) -> Inspection:  # noqa: ANN401 - fields of a look
    """What is made of what was seen."""
    found = Look(start=0.5, memory=20 << 20, peak=peak, seconds={"1": 0.002, "8": 0.008, "64": 0.032})
    return Inspection("m", Source({}), found._replace(**changes), 1769)


@pytest.mark.parametrize(
    ("peak", "model_memory", "expected"), [(200, 20, 512), (500, 20, 1024), (400, 20, 1024), (200, 700, 1769)]
)
def test_memory_size(peak: int, model_memory: int, expected: int) -> None:
    """It holds the process at its largest, and gives models their share."""
    assert expected == figures(peak << 20, memory=model_memory << 20).memory_size


def test_costs() -> None:
    """Slower predictions cost more; more at once cost less."""
    fast, slow = figures(200 << 20).dollars, figures(200 << 20, seconds={"1": 1.0}).dollars
    assert fast["real_time"] < slow["real_time"]
    compute = 10**6 * 0.0005 * 1769 / 1024 * 0.0000166667
    assert fast["batch"] == pytest.approx(compute + 0.008, abs=0.001)
    assert {} == figures(200 << 20, seconds={}).dollars


def test_what_is_printed() -> None:
    """A line for each thing, warnings last."""
    text = list(lines(figures(200 << 20, warnings={"fixed_batch_axis": ""})))
    assert "MemorySize=512" in "\n".join(text)
    assert text[-1].startswith("warning    the batch axis is fixed at 1")


def test_the_document_is_json() -> None:
    """Pipelines rely on its keys."""
    document = json.loads(json.dumps(figures(200 << 20).document()))
    assert {"MemorySize": 512, "EphemeralStorage": 512} == document["enough"]
    assert {"real_time", "jobs", "batch"} == set(document["dollars_per_million"])
    assert {
        "model", "served", "task", "inputs", "outputs", "files", "size_bytes", "opening_seconds",
        "cold_start_seconds", "memory_bytes", "peak_memory_bytes", "measured_at_memory_size", "seconds_a_row",
        "enough", "dollars_per_million", "warnings", "example",
    } == set(document)  # fmt: skip
