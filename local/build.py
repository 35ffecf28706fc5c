"""The built application: where it is, and whether it is up to date."""

import subprocess
from pathlib import Path

from local.failure import LocalFailure

ROOT = Path(__file__).parent.parent
BUILD = ROOT / ".aws-sam" / "build"
TEMPLATE = BUILD / "template.yaml"
SOURCES = ("template.yaml", "functions", "layers")


def ensure_built() -> None:
    """Build if nothing was built yet, or something that goes into the build has changed since.

    Raises:
        LocalFailure: The build failed.
    """
    if TEMPLATE.exists() and TEMPLATE.stat().st_mtime > _newest_source():
        return
    command = ["make", "build"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - no input
    if result.returncode:
        raise LocalFailure(f"make build failed:\n{result.stdout}{result.stderr}")


def _newest_source() -> float:
    files = (file for source in SOURCES for file in [ROOT / source, *(ROOT / source).rglob("*")])
    return max(file.stat().st_mtime for file in files if file.is_file() and file.suffix != ".pyc")
