"""The recipes of layers, which run below whatever path the project was cloned to."""

import shlex
import subprocess
from pathlib import Path

import pytest

LAYERS = Path(__file__).parents[2] / "layers"
FOLDERS = {
    "OnnxRuntimeLayer": "onnxruntime",
    "LibrariesLayer": "onnxruntime",
    "TriptychLayer": "triptych",
    "ModelsLayer": "models",
    "ModelFilesLayer": "models",
    "ModelWeightsLayer": "models",
}


@pytest.mark.parametrize(
    "layer", ["OnnxRuntimeLayer", "TriptychLayer", "ModelsLayer", "LibrariesLayer", "ModelFilesLayer"]
)
def test_a_path_may_hold_spaces(layer: str, tmp_path: Path) -> None:
    """To the shell the place of the layer is one word in every command, or a part of one."""
    target = tmp_path / "with spaces in it"
    folder = LAYERS / FOLDERS[layer]
    told = subprocess.run(  # noqa: S603 - the project's own recipes
        ["make", "--dry-run", "-C", str(folder), f"build-{layer}", f"ARTIFACTS_DIR={target}"],  # noqa: S607 - the user's make
        capture_output=True,
        text=True,
        check=True,
    )
    words = [word for word in shlex.split(told.stdout) if "with spaces" in word]
    assert words
    assert [] == [word for word in words if not word.startswith(str(target))]
    assert told.stdout.count("with spaces") == len(words)
