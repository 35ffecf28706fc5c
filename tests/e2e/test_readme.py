"""What the README tells people to type, typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from local.env import exports
from local.stack import StackInfo

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(
    r"^```(bash|python)\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE
)
AWS = re.findall(r"^ *\$ (aws (?:.*\\\n)*.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
CALLS = [block for language, block in BLOCKS if language == "bash" and "$URL" in block]
SCRIPTS = [block for language, block in BLOCKS if language == "python"]


def _run(command: list[str], stack: StackInfo, directory: Path) -> str:
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # where `aws` is
    environment = {**os.environ, **_exported(stack), "PATH": paths}
    done = subprocess.run(  # noqa: S603 - the README's own commands
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _exported(stack: StackInfo) -> dict[str, str]:
    """Returns the variables that `make env` sets, as a shell reads them."""
    command = ["bash", "-euc", f"{exports(stack)}\nenv -0"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own lines
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)


def test_there_is_something_to_type() -> None:
    """The README's blocks are found; a changed fence would otherwise pass unseen."""
    assert len(CALLS) >= 7
    assert len(SCRIPTS) == 1
    assert len(AWS) == 6


@pytest.mark.parametrize("block", CALLS)
def test_curl(stack: StackInfo, block: str, tmp_path: Path) -> None:
    """Every curl command of the README is answered with a success."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    output = _run(["bash", "-euc", block.replace("curl -s", "curl -sS --fail-with-body")], stack, tmp_path)
    assert output
    assert '"error"' not in output


def test_aws(stack: StackInfo, tmp_path: Path) -> None:
    """Every line of `aws` works as it stands, in the order of the page; `aws sqs` of 1.x needs a hint."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "model.onnx").symlink_to(ROOT / "layers" / "models" / "penguins" / "1" / "model.onnx")
    script = "\n".join(AWS).replace("aws sqs ", "aws --endpoint-url $AWS_ENDPOINT_URL sqs ")
    output = _run(["bash", "-euc", script], stack, tmp_path)
    assert "island,species," in output
    assert "SubscriptionArn" in output


def test_make_env(stack: StackInfo) -> None:
    """The README's first line sets the variables of the others."""
    assert 'eval "$(make env)"' in (ROOT / "README.md").read_text()
    line = f'eval "$(make env STACK={stack.stack_name})"; echo $URL $AWS_ENDPOINT_URL $INPUT_BUCKET'
    output = _run(["bash", "-euc", line], stack, ROOT)
    assert [stack.api_url, stack.endpoint_url, stack.outputs["InputBucket"]] == output.split()


def test_exports_of_an_account(stack: StackInfo) -> None:
    """For a stack in an account no credentials and no endpoint are set: those of the shell stay."""
    account = exports(replace(stack, endpoint_url="", api_key="a b"))
    assert "AWS_" not in account
    assert "export KEY='a b'" in account


@pytest.mark.parametrize("block", SCRIPTS)
def test_python(stack: StackInfo, block: str, tmp_path: Path) -> None:
    """The README's Python prints a prediction."""
    preamble = "import os\nURL, KEY = os.environ['URL'], os.environ['KEY']\n"
    output = _run([sys.executable, "-c", preamble + block], stack, tmp_path)
    assert re.fullmatch(r"\[\d\]\n", output)
