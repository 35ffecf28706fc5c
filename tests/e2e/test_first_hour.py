"""What docs/first-hour.md tells people to type, typed from top to bottom in one shell."""

from __future__ import annotations

import csv
import importlib.util
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
PAGE = (ROOT / "docs/first-hour.md").read_text()
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
EXPORT = ROOT / "examples/churn"
ENVIRONMENT = 'eval "$(make env)"'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A directory that looks like a clone, as far as the page goes."""
    clone = tmp_path / "triptych"
    clone.mkdir()
    (clone / "examples").symlink_to(ROOT / "examples")
    return clone


def _training(directory: Path) -> str:
    """Returns the command that trains the page's model, or takes its committed export."""
    (script,) = (block for language, block in BLOCKS if language == "python")
    (directory / "train.py").write_text(script)
    if importlib.util.find_spec("sklearn") and importlib.util.find_spec("skl2onnx"):
        return f"{sys.executable} {directory / 'train.py'}\n"
    return f"cp {EXPORT}/model.onnx {EXPORT}/expected.csv .\n"


def test_every_block(stack: StackInfo, clone: Path) -> None:
    """The page's blocks succeed one after the other, and all labels are scikit-learn's each time."""
    blocks = [block for language, block in BLOCKS if language == "bash"]
    blocks.insert(2, _training(clone))
    assert 1 == blocks[0].count(ENVIRONMENT)
    blocks[0] = blocks[0].replace(ENVIRONMENT, exports(stack))  # what that prints
    script = "".join(blocks).replace("curl -s ", "curl -sS --fail-with-body ")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # where `aws` is
    done = subprocess.run(  # noqa: S603 - the page's own commands
        [shutil.which("bash") or "bash", "-euc", script],
        cwd=clone, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert 4 == done.stdout.count("200 of 200 labels are equal")
    assert "Triptych-Filled-Cells: 28" in done.stdout
    assert '"predictions":[{"label":"leaves"' in done.stdout
    assert '{"key":"c001","prediction":{"customer":"c001","label":"stays"' in done.stdout


def test_export_is_small_and_complete() -> None:
    """The committed export has an answer for each customer, and is no burden to a clone."""
    for name in ("customers.csv", "expected.csv"):
        assert 200 == len(list(csv.DictReader((EXPORT / name).read_text().splitlines())))
    assert sum(path.stat().st_size for path in EXPORT.iterdir()) < 20_000
