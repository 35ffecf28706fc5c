"""The built application: where it is, and whether it is what the sources say."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / ".aws-sam" / "build"
TEMPLATE = BUILD / "template.yaml"
SOURCES = ("template.yaml", "functions", "layers")


def ensure_built() -> None:
    """Build if nothing was built yet, or something that goes into the build has changed since."""
    if not TEMPLATE.exists() or TEMPLATE.stat().st_mtime < _newest_source():
        subprocess.run(["make", "build"], cwd=ROOT, check=True)  # noqa: S607 - whichever make the user has


def _newest_source() -> float:
    files = (file for source in SOURCES for file in [ROOT / source, *(ROOT / source).rglob("*")])
    return max(file.stat().st_mtime for file in files if file.is_file() and file.suffix != ".pyc")
