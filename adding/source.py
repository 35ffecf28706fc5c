"""What is added: the files of an export, and their paths in the version that is made of them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from triptych.models.graph_file import files_of_weights
from triptych.models.storage import CODE_FILE, CONFIG_FILE, GRAPH_FILES, graph_among, is_side_file

from adding.verdict import NotServed
from local.failure import LocalFailure

_GRAPH_FOLDER = "onnx"
_MODULE = re.compile(r"\d+_\w+")
"""Folders of the modules of sentence-transformers, such as `1_Pooling`."""
_POINTER = b"version https://git-lfs"
_TORCH = (".safetensors", ".bin", ".pt", ".pth")


class Source(NamedTuple):
    """The files of a version that is to be.

    Attributes:
        files: Where each file is now, by its path in the version; the graph is the last one.
        config: The `model.toml` that comes with them, if one does.
    """

    files: Mapping[str, Path]
    config: Path | None = None

    @property
    def graph(self) -> str:
        """Path of the graph."""
        return graph_among(self.files) or GRAPH_FILES[0]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files.values())

    def write(self, directory: Path, *, link: bool = False) -> None:
        """Writes the version, its graph last.

        Args:
            directory: Where to; is made.
            link: Whether the files may be the same ones, where the disk allows it.
        """
        for name, path in self.files.items():
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _put(path.resolve(), target, link=link)


def find_source(given: Path) -> Source:
    """Finds what there is to add.

    Args:
        given: An `.onnx` file, or the folder of an export.

    Raises:
        LocalFailure: There is no such thing, or it is not said which of several models is meant.
        NotServed: It is no complete export.
    """
    if not given.exists():
        raise LocalFailure(f"there is no {given}")
    graph = _graph_of(given) if given.is_dir() else given
    if graph.suffix != ".onnx":
        raise LocalFailure(f"{graph} is no .onnx file: name one, or the folder of an export")
    in_folder = graph.parent.name == _GRAPH_FOLDER
    folder = graph.parent.parent if in_folder else graph.parent
    prefix = f"{_GRAPH_FOLDER}/" if in_folder else ""
    files = _beside(folder) if in_folder or given.is_dir() else {}
    files |= {prefix + name: graph.parent / name for name in _weights(graph)}
    files[GRAPH_FILES[in_folder]] = graph
    config = folder / CONFIG_FILE
    return Source(files, config if given.is_dir() and config.is_file() else None)


def _graph_of(folder: Path) -> Path:
    known = [name for name in GRAPH_FILES if (folder / name).is_file()]
    if known:
        return folder / known[0]
    found = sorted((*folder.glob("*.onnx"), *folder.glob(f"{_GRAPH_FOLDER}/*.onnx")))
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in found)
        raise LocalFailure(f"{folder} holds several models ({names}): name one, as FROM={found[0]}")
    if not found:
        raise NotServed(f"{folder} holds no .onnx file", _export(folder))
    return found[0]


def _export(folder: Path) -> str:
    if any(path.suffix in _TORCH for path in folder.iterdir()):
        return f"weights are not ONNX yet: optimum-cli export onnx --model {folder} {folder}-onnx"
    return "name the folder that holds model.onnx or onnx/model.onnx, or the .onnx file itself"


def _beside(folder: Path) -> dict[str, Path]:
    """Returns what tasks read, and code; other forms of the weights stay where they are."""
    paths = [*folder.iterdir()]
    modules = [path for path in paths if path.is_dir() and _MODULE.fullmatch(path.name)]
    paths += [path for module in modules for path in module.iterdir()]
    wanted = (path for path in paths if path.is_file() and not path.name.startswith("."))
    names = {str(path.relative_to(folder)): path for path in wanted}
    return {name: names[name] for name in sorted(names) if is_side_file(name) or name == CODE_FILE}


def _weights(graph: Path) -> Sequence[str]:
    with graph.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            raise NotServed(f"{graph} is a pointer of Git LFS, not the model", "git lfs pull")
    names = sorted(files_of_weights(graph))
    if astray := [name for name in names if ".." in PurePosixPath(name).parts or name.startswith("/")]:
        raise NotServed(
            f"weights of {graph} are to be in {astray[0]}, which is not beside it",
            "save it again with onnx.save_model(model, path, save_as_external_data=True, "
            "location='model.onnx_data')",
        )
    if missing := [name for name in names if not (graph.parent / name).is_file()]:
        raise NotServed(
            f"weights of {graph} are missing: {', '.join(missing)}",
            "copy them beside it from where the model was exported, under the same names",
        )
    return names


def _put(path: Path, target: Path, *, link: bool) -> None:
    if link:
        try:
            os.link(path, target)
        except OSError:  # on another disk
            pass
        else:
            return
    shutil.copyfile(path, target)
