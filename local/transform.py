"""`make transform`: drops a file into the stack on this machine, and fetches what is made of it."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from triptych.errors import BadRequest
from triptych.rows.options import read_options

from local.batches import Batch, Batches
from local.failure import LocalFailure
from local.jobs import Jobs
from local.stack import StackInfo
from local.up import STACK_FILE

LONGEST = 3600  # seconds


def transform(console: Console, model: str, file: Path, options: list[str]) -> None:
    """Transform a file, and write the results beside it.

    Args:
        console: Where progress and outcome are shown.
        model: Name of the model.
        file: The file.
        options: Options of batches, each `name=value`.

    Raises:
        LocalFailure: Nothing runs here, there is no such file, or it failed as a whole.
    """
    if not STACK_FILE.exists():
        raise LocalFailure("nothing runs here: run make up")
    if not file.is_file():
        raise LocalFailure(
            f"there is no file {file}: make transform MODEL=penguins FILE=examples/penguins.csv"
        )
    stack = StackInfo.read(STACK_FILE)
    key = f"{model}/{file.name}"
    with Jobs(stack) as api:
        batches = Batches(stack, api)
        batch = watch(console, batches, batches.drop(key, file.read_bytes(), **_named(options)))
        console.print(f"{batch['status']}: {batch.get('progress', {}).get('records', {})}", markup=False)
        _fetch(console, batches, key, file)
    if "error" in batch:
        raise LocalFailure(batch["error"]["message"])


def watch(console: Console, batches: Batches, batch_id: str) -> Batch:
    """Show how far a batch comes until it has ended.

    Args:
        console: Where it is shown.
        batches: Where it is looked up.
        batch_id: Its id.

    Returns:
        How it ended.

    Raises:
        LocalFailure: It did not end in time.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]} rows"))
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("queued", total=None, rows="0")
        for batch in batches.watched(batch_id, LONGEST):
            far = batch.get("progress", {"records": {"read": 0}, "chunks": {}})
            rows, chunks = far["records"]["read"], far["chunks"]
            known = (
                {"total": chunks["total"], "completed": chunks.get("done", 0)} if "total" in chunks else {}
            )
            progress.update(task, description=batch["status"], rows=f"{rows:,}", **known)
    return batch


def _named(options: list[str]) -> dict[str, str]:
    pairs = [option.partition("=") for option in options]
    if wrong := [name for name, sign, _ in pairs if not sign]:
        raise LocalFailure(f"option {wrong[0]!r}: expected name=value, such as join=all")
    named = {name: value for name, _, value in pairs}
    try:
        read_options(named)
    except BadRequest as error:
        raise LocalFailure(str(error)) from error
    return named


def _fetch(console: Console, batches: Batches, key: str, file: Path) -> None:
    for ending in ("out", "errors.jsonl", "manifest.json"):
        body = batches.made_if_any(f"{key}.{ending}")
        if body is not None:
            place = file.with_name(f"{file.name}.{ending}")
            place.write_bytes(body)
            console.print(f"[green]✓[/] {place} ({len(body):,} bytes)")
