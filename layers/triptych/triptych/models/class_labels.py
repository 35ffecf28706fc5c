"""The names of classes inside an ONNX file.

ONNX Runtime does not show the attributes of nodes, and the `onnx` package stays out of the function. So the
attribute `classlabels_strings` of LinearClassifier, TreeEnsembleClassifier, SVMClassifier and ZipMap is
looked up in the file itself: its name as protobuf writes it, then one field for each class, in their order.
"""

from __future__ import annotations

import mmap
from pathlib import Path

from triptych.protocol.datatypes import BYTES
from triptych.protocol.tensors import Signature

_NAME = b"\x0a\x13classlabels_strings"  # AttributeProto.name (1), of 19 bytes
_STRING = 0x4A  # AttributeProto.strings (9), with its length before it


def with_labels(signature: Signature, model: Path) -> Signature:
    """Labels the scores of a classifier whose classes are strings.

    Args:
        signature: The inputs and outputs of the model.
        model: The `.onnx` file.

    Returns:
        The signature. Its only output of numbers of shape `[rows, classes]` has the classes as labels; where
        the file names none, or different ones, it is as before.
    """
    if all(spec.datatype is not BYTES for spec in signature.outputs):
        return signature  # such a classifier has an output of the class itself as well
    classes = _classes(model)
    scores = [
        spec
        for spec in signature.outputs
        if spec.datatype.kind == "float" and spec.shape is not None and spec.shape[1:] == (len(classes),)
    ]
    if len(scores) != 1:
        return signature
    outputs = (spec._replace(labels=classes) if spec is scores[0] else spec for spec in signature.outputs)
    return signature._replace(outputs=tuple(outputs))


def _classes(model: Path) -> tuple[str, ...]:
    found: set[tuple[str, ...]] = set()
    with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as graph:
        at = graph.find(_NAME)
        while at >= 0:
            at += len(_NAME)
            found.add(_strings(graph, at))
            at = graph.find(_NAME, at)
    return found.pop() if len(found) == 1 else ()


def _strings(graph: mmap.mmap, at: int) -> tuple[str, ...]:
    """Reads the fields from a position on; none where the file ends inside one: it is no attribute then."""
    strings: list[str] = []
    try:
        while at < len(graph) and graph[at] == _STRING:
            at, length = _varint(graph, at + 1)
            strings.append(graph[at : at + length].decode(errors="replace"))
            at += length
    except IndexError:
        return ()
    return tuple(strings) if at <= len(graph) else ()


def _varint(graph: mmap.mmap, at: int) -> tuple[int, int]:
    value = shift = 0
    while graph[at] > 0x7F:
        value |= (graph[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return at + 1, value | graph[at] << shift
