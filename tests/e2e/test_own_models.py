"""What docs/own-models.md tells people to type, typed from top to bottom in one shell, with tiny exports."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.env import exports
from local.stack import StackInfo

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden"
PAGE = (ROOT / "docs/own-models.md").read_text()
BLOCKS = re.findall(r"^```bash\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
ENVIRONMENT = 'eval "$(make env)"'
EXPORTS = {
    "minilm": "models/mpnet-embedding/1",
    "sentiment": "models/distilbert-topics/1",
    "vit": "models/vit-colours/1",
    "yolo11n.onnx": "models/ultralytics-detect/1/model.onnx",
    "iris.onnx": "models/sklearn-names/1/model.onnx",
    "photo.jpg": "images/landscape.jpg",
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A directory that looks like a clone, with what the page's exports would have left in it."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for name, golden in EXPORTS.items():
        (tmp_path / name).symlink_to(GOLDEN / golden)
    return tmp_path


def test_every_recipe(stack: StackInfo, clone: Path) -> None:
    """The blocks succeed one after the other, and each model answers in the form that the page says."""
    assert 1 == BLOCKS[0].count(ENVIRONMENT)
    script = "".join([BLOCKS[0].replace(ENVIRONMENT, exports(stack)), *BLOCKS[1:]])
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # where `aws` is
    done = subprocess.run(  # noqa: S603 - the page's own commands
        [shutil.which("bash") or "bash", "-euc", script.replace("curl -s ", "curl -sS --fail-with-body ")],
        cwd=clone, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert '"predictions":[{"embedding":[' in done.stdout
    assert '{"key":"1","prediction":{"embedding":[' in done.stdout
    assert "text,label,score,scores_" in done.stdout
    assert "image,label,score,scores_" in done.stdout
    assert '"box":{"xmin":' in done.stdout
    assert '"status":"succeeded"' in done.stdout
    assert re.search(r"output_label,output_probability_setosa,.*\nsetosa,.*\nvirginica,", done.stdout)
    for task in ("feature-extraction", "text-classification", "image-classification", "object-detection"):
        assert f'"description":"","task":"{task}","storage":"bucket"' in done.stdout


def test_recipes_name_their_exports() -> None:
    """What stands in for an export is what the page's commands take."""
    commands = "".join(BLOCKS)
    assert [] == [name for name in EXPORTS if f" {name} " not in commands and f"@{name} " not in commands]
