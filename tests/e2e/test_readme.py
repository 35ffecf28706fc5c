"""What the README tells people to type, typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.stack import StackInfo

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(
    r"^```(bash|python)\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE
)
CALLS = [block for language, block in BLOCKS if language == "bash" and "$URL" in block]
SCRIPTS = [block for language, block in BLOCKS if language == "python"]


def _run(command: list[str], stack: StackInfo, directory: Path) -> str:
    environment = {**os.environ, "URL": stack.api_url, "KEY": stack.api_key}
    done = subprocess.run(  # noqa: S603 - the README's own commands
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_something_to_type() -> None:
    """The README's blocks are found; a changed fence would otherwise pass unseen."""
    assert len(CALLS) >= 7
    assert len(SCRIPTS) == 1


@pytest.mark.parametrize("block", CALLS)
def test_curl(stack: StackInfo, block: str, tmp_path: Path) -> None:
    """Every curl command of the README is answered with a success."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    output = _run(["bash", "-euc", block.replace("curl -s", "curl -sS --fail-with-body")], stack, tmp_path)
    assert output
    assert '"error"' not in output


@pytest.mark.parametrize("block", SCRIPTS)
def test_python(stack: StackInfo, block: str, tmp_path: Path) -> None:
    """The README's Python prints a prediction."""
    preamble = "import os\nURL, KEY = os.environ['URL'], os.environ['KEY']\n"
    output = _run([sys.executable, "-c", preamble + block], stack, tmp_path)
    assert re.fullmatch(r"\[\d\]\n", output)
