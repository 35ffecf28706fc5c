"""Writes the documents of the API for the function to serve; with `--check`, only checks them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from api.document import load_document
from api.page import render

TARGET = Path(__file__).parent.parent / "functions" / "realtime" / "api"


def build() -> dict[str, str]:
    """Returns the files that the function serves, by name."""
    document = load_document()
    return {
        "openapi.json": json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n",
        "docs.html": render(document),
    }


def stale(files: dict[str, str]) -> list[str]:
    """Returns the names of the files that are missing or differ from the given ones."""
    return [name for name, text in files.items() if _current(TARGET / name) != text]


def main() -> None:
    """Writes the files, or checks them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
    files = build()
    if not parser.parse_args().check:
        _write(files)
    elif names := stale(files):
        raise SystemExit(f"out of date: {', '.join(names)}; run python -m api.build")


def _current(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _write(files: dict[str, str]) -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (TARGET / name).write_text(text)


if __name__ == "__main__":
    main()
