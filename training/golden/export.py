"""Exports tiny models as `optimum-cli export onnx` leaves their folders."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import onnx
import torch
from torch.export import Dim

GOLDEN = Path(__file__).parents[2] / "tests" / "golden"
OPSET = 18
Axes = Mapping[int, str]
TEXTS: Axes = {0: "batch_size", 1: "sequence_length"}
IMAGES: Axes = {0: "batch_size"}


def directory(name: str) -> Path:
    """Returns the directory of version 1 of a model, which it makes."""
    path = GOLDEN / "models" / name / "1"
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_onnx(
    model: torch.nn.Module,
    path: Path,
    inputs: Mapping[str, torch.Tensor],
    outputs: Mapping[str, Axes],
    free: Mapping[str, Axes] | None = None,
) -> None:
    """Writes a model as ONNX.

    Args:
        model: What to write; its answer begins with the outputs, in their order.
        path: Where.
        inputs: An example of every input by name: batches of token ids, or of images.
        outputs: Names of the free axes of every output.
        free: The same of every input, if not those of a batch of texts, or of images of one size.
    """
    axes = free or {name: IMAGES if tensor.is_floating_point() else TEXTS for name, tensor in inputs.items()}
    program = torch.onnx.export(
        model.eval(),
        kwargs=dict(inputs),
        input_names=[*inputs],
        output_names=[*outputs],
        dynamic_shapes={name: {axis: Dim(label) for axis, label in axes[name].items()} for name in inputs},
        dynamo=True,
        opset_version=OPSET,
        verbose=False,
    )
    graph = program.model_proto
    del graph.graph.output[len(outputs) :]
    for value in (*graph.graph.input, *graph.graph.output):
        for axis, label in ({**axes} | {**outputs})[value.name].items():
            value.type.tensor_type.shape.dim[axis].dim_param = label
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_small(graph).SerializeToString(deterministic=True))


def copy_files(saved: Path, target: Path) -> None:
    """Copies what was saved beside the weights of a model."""
    shutil.copytree(saved, target, ignore=shutil.ignore_patterns("*.safetensors"), dirs_exist_ok=True)


def _small(model: onnx.ModelProto) -> onnx.ModelProto:
    """Leaves out where in PyTorch every node comes from, which is most of a tiny model."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    return model


def scatter(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Gives a model random weights so large that answers to different inputs differ."""
    torch.manual_seed(seed)
    for name, weights in model.named_parameters():
        if weights.dim() > 1:
            head = any(part in name for part in ("classifier", "qa_outputs"))
            scale = 1.0 if "embed" in name else (4 if head else 1.5) / weights[0].numel() ** 0.5
            torch.nn.init.normal_(weights, std=scale)
        elif name.endswith("bias"):
            torch.nn.init.normal_(weights, std=0.1)
    return model.eval()
