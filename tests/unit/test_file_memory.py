"""The memory that a job takes does not grow with its file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tiny_models import identity

ROOT = Path(__file__).parents[2]
MIB = 2**20


def peak(directory: Path, kind: str, megabytes: int) -> int:
    """Runs a job within 160 MiB of memory of its own, and gives the most that it had."""
    done = subprocess.run(  # noqa: S603 - nothing of it comes from outside
        [sys.executable, "-m", "tests.support.file_job", str(directory), kind, str(megabytes)],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'layers/triptych'}"},
        capture_output=True,
        check=True,
        timeout=300,
    )
    result: dict[str, int] = json.loads(done.stdout)
    assert megabytes * MIB <= result["source"] + MIB
    return result["peak"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "small", "large"), [("tensors", 64, 512), ("csv", 8, 48), ("lines", 8, 32), ("parquet", 8, 48)]
)
def test_memory_does_not_grow(kind: str, small: int, large: int, tmp_path: Path) -> None:
    """A file of many times the length takes the same memory."""
    (tmp_path / "identity.onnx").write_bytes(identity("FP32", ["n", 4]))
    assert peak(tmp_path, kind, large) - peak(tmp_path, kind, small) < 24 * MIB
