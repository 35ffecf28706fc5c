"""What `make inspect` prints of a model that would be served."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console

from adding.inspection import Inspection
from adding.verdict import NotServed

_MODES = {"real_time": "real time", "jobs": "jobs", "batch": "files"}


def show(console: Console, seen: Inspection) -> None:
    """Shows what was seen."""
    for line in lines(seen):
        console.print(line, markup=False)


def refuse(console: Console, model: str, refusal: NotServed) -> None:
    """Shows why a model would not be served, and the way out."""
    console.print(f"[bold red]model      {model}: would not be served[/]")
    console.print(f"reason     {refusal.reason}\nway out    {refusal.way_out}", markup=False)


def lines(seen: Inspection) -> Iterator[str]:
    """Writes what was seen, for a person."""
    look = seen.look
    yield f"model      {seen.model}: would be served"
    yield f"task       {look.task or 'none: tensors in, tensors out'}"
    yield f"takes      {_specs(look.inputs)}"
    yield f"gives      {_specs(look.outputs)}"
    yield f"size       {_bytes(seen.source.size)}: {', '.join(seen.source.files)}"
    yield f"opening    {_seconds(look.opening)}; {_seconds(look.start)} from a new process to an answer"
    yield f"memory     {_bytes(look.memory)} for the model, {_bytes(look.peak)} for the process at most"
    for rows, taken in look.seconds.items():
        yield f"{'time' if rows == '1' else '':<11}{_seconds(taken / int(rows))} a row, {rows:>2} at once"
    measured = f"times are those of a function of {seen.measured_at} MB"
    yield f"enough     MemorySize={seen.memory_size} ({measured}), EphemeralStorage={seen.disk} from a bucket"
    costs = ", ".join(f"{_MODES[mode]} ${dollars:,.2f}" for mode, dollars in seen.dollars.items())
    yield f"a million  {costs}; with the times of this machine and list prices (docs/cost.md)"
    yield f"answer     {_short(look.answer.strip())}"
    for text in seen.warnings.values():
        yield f"warning    {text}"


def _specs(specs: Sequence[dict[str, Any]]) -> str:
    return ", ".join(
        f"{spec['name']} {spec['datatype']} {spec['shape'] or 'of any shape'}"
        f"{' (optional)' if 'optional' in spec else ''}"
        for spec in specs
    )


def _short(text: str, most: int = 160) -> str:
    return text if len(text) <= most else f"{text[:most]}..."


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} KB"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"
