"""Command line: `python -m adding inspect|add`.

Exit status: 0, the model would be served, or answers; 1, it would not be served; 2, the command failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from triptych.protocol.names import is_model_name

from adding.add import Wish, add
from adding.examples import KINDS
from adding.inspection import inspect
from adding.layer import Layer
from adding.report import refuse, show
from adding.source import find_source
from adding.verdict import NotServed
from local.failure import LocalFailure

FAILURES = (LocalFailure, BotoCoreError, ClientError, httpx.HTTPError, OSError)
"""What ends a command without a trace: their messages say what is wrong."""


def main() -> int:
    """Run one command.

    Returns:
        The exit status.
    """
    arguments = _parser().parse_args()
    console = Console(soft_wrap=True, highlight=False, stderr=arguments.json)
    try:
        document = _run(console, arguments)
    except NotServed as refusal:
        refuse(console, arguments.model, refusal)
        document = {
            "model": arguments.model,
            "served": False,
            "reason": refusal.reason,
            "way_out": refusal.way_out,
        }
    except FAILURES as failure:
        console.print("[bold red]failed:[/] ", end="")
        console.print(str(failure), markup=False)
        document = {"model": arguments.model, "error": str(failure)}
    if arguments.json:
        print(json.dumps(document, indent=2))
    return 2 if "error" in document else 0 if document["served"] else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m adding", description="Looks at models, and adds them")
    parser.add_argument("command", choices=["inspect", "add"])
    parser.add_argument("--model", help="name of the model")
    parser.add_argument("--from", type=Path, dest="source", help="folder of an export, or an .onnx file")
    parser.add_argument("--example", type=Path, help="rows, or a picture, to try it with")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--version", help="add: its number; the next free one where it is not given")
    parser.add_argument("--stack", help="add: to the bucket of this stack; local: that of make up")
    return parser


def _run(console: Console, arguments: argparse.Namespace) -> dict[str, Any]:
    if not arguments.model or not arguments.source:
        raise LocalFailure(
            "MODEL and FROM are needed, as in: make add MODEL=reviews FROM=folder-of-the-export"
        )
    if not is_model_name(arguments.model):
        raise LocalFailure(f"MODEL={arguments.model}: a name is letters, digits, '_', '-' and '.'")
    _check_example(arguments.example)
    source = find_source(arguments.source)
    if arguments.command == "add":
        wish = Wish(arguments.version, arguments.stack, arguments.example)
        return dict(add(console, arguments.model, source, wish))
    with console.status("Opening and running it"):
        seen = inspect(arguments.model, source, Layer().config(arguments.model), arguments.example)
    show(console, seen)
    try:
        Layer().check(seen)
    except NotServed as refusal:
        console.print(f"note       {refusal.reason}: {refusal.way_out}", markup=False)
    return seen.document()


def _check_example(path: Path | None) -> None:
    if path is None:
        return
    if not path.is_file():
        raise LocalFailure(f"there is no {path}")
    if path.suffix not in KINDS:
        raise LocalFailure(f"EXAMPLE={path}: expected a file that ends with {', '.join(KINDS)}")


if __name__ == "__main__":
    sys.exit(main())
