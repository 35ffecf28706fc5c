"""Looks at a model before it is served: runs it beside this process, and says what it takes and costs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from triptych.batches.estimate import LAMBDA_GB_SECOND
from triptych.deployment import SHARE_FOR_MODELS
from triptych.models.disk_cache import RESERVE as DISK_RESERVE
from triptych.models.storage import CONFIG_FILE

from adding.look import Look, Request
from adding.source import Source
from adding.verdict import WARNINGS, NotServed, way_out
from costs import ways
from costs.ways import MILLION
from local.build import ROOT

MEMORY_SIZES = (512, 1024, 1769, 3008, 3538, 5307, 7076, 8845, 10240)
"""Megabytes that functions are given: whole processors from 1769 on, and what accounts allow at first."""
MEASURED_AT = 1769
LARGEST_DISK = 10240
OPENING_SECONDS = 900
"""The longest that a function runs."""
_BESIDE = 128 * 2**20
"""Bytes beside what is measured, for Lambda and clients of AWS: a small model takes 92 MB here, 200 there."""
_MEGABYTE = 2**20


class Inspection(NamedTuple):
    """A model that would be served.

    Attributes:
        model: Its name.
        source: Its files.
        look: What was seen of it.
        measured_at: Megabytes of the function that it was measured as.
    """

    model: str
    source: Source
    look: Look
    measured_at: int

    @property
    def memory_size(self) -> int:
        """The least `MemorySize` that is enough."""
        needed = max(self.look.peak + _BESIDE, int(self.look.memory / SHARE_FOR_MODELS))
        return next((size for size in MEMORY_SIZES if size * _MEGABYTE >= needed), self.measured_at)

    @property
    def disk(self) -> int:
        """The least `EphemeralStorage` that is enough where the model comes from a bucket."""
        return max(512, -(-(self.source.size + DISK_RESERVE) // _MEGABYTE))

    @property
    def dollars(self) -> Mapping[str, float]:
        """What a million predictions cost in each mode, if a month has as many."""
        memory = max(self.measured_at, self.memory_size)
        seconds = {int(rows): taken for rows, taken in self.look.seconds.items()}
        if not seconds:
            return {}
        some, many = (8 if 8 in seconds else 1), max(seconds)
        worker = MILLION * seconds[some] / some * memory / 1024 * LAMBDA_GB_SECOND
        modes = {
            "real_time": ways.real_time(seconds[1], self.look.start, memory),
            "jobs": ways.jobs(worker),
            "batch": ways.batch(many / seconds[many], memory),
        }
        return {mode: round(way.dollars(MILLION), 4) for mode, way in modes.items()}

    @property
    def warnings(self) -> Mapping[str, str]:
        """What to know before it is used, by what it is about."""
        return {name: f"{WARNINGS[name]} {what}".strip() for name, what in self.look.warnings.items()}

    def document(self) -> dict[str, Any]:
        """Returns all of it as JSON values."""
        look = self.look
        return {
            "model": self.model,
            "served": True,
            "task": look.task or None,
            "inputs": look.inputs,
            "outputs": look.outputs,
            "files": {name: path.stat().st_size for name, path in self.source.files.items()},
            "size_bytes": self.source.size,
            "opening_seconds": round(look.opening, 4),
            "cold_start_seconds": round(look.start, 4),
            "memory_bytes": look.memory,
            "peak_memory_bytes": look.peak,
            "measured_at_memory_size": self.measured_at,
            "seconds_a_row": {rows: round(taken / int(rows), 7) for rows, taken in look.seconds.items()},
            "enough": {"MemorySize": self.memory_size, "EphemeralStorage": self.disk},
            "dollars_per_million": self.dollars,
            "warnings": self.warnings,
            "example": {"row": look.row, "answer": look.answer},
        }


def inspect(
    model: str, source: Source, config: bytes | None = None, example: Path | None = None
) -> Inspection:
    """Looks at a model.

    Args:
        model: Its name.
        source: Its files.
        config: The `model.toml` of models of this name, where the files bring none.
        example: A file of rows to run it on; made up where there is none.

    Raises:
        NotServed: It would not be served.
    """
    if source.size + DISK_RESERVE > LARGEST_DISK * _MEGABYTE:
        raise NotServed(
            f"the model has {source.size / 1e9:.1f} GB, more than /tmp of a function, at most 10,240 MB",
            "quantize it, or export a smaller one",
        )
    with TemporaryDirectory(prefix="triptych-look-") as directory:
        place = Path(directory) / model
        source.write(place / "1", link=True)
        settings = source.config.read_bytes() if source.config else config
        if settings is not None:
            (place / CONFIG_FILE).write_bytes(settings)
        for memory in (size for size in MEMORY_SIZES if size >= MEASURED_AT):
            seen = look_apart(Request(directory, model, 1, memory, time.time(), str(example or "")))
            if not seen.refused:
                return Inspection(model, source, seen, memory)
            if not seen.out_of_memory:
                break
    raise NotServed(seen.refused, way_out(seen.refused))


def look_apart(request: Request) -> Look:
    """Looks at a version in a process of its own, which may crash."""
    command = [sys.executable, "-m", "adding.look"]
    try:
        ended = subprocess.run(  # noqa: S603 - nothing of the command is input
            command,
            input=json.dumps(request._asdict()),
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=OPENING_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Look(refused=f"the model did not open and run within {OPENING_SECONDS} seconds")
    if ended.returncode == 0:
        return Look(**json.loads(ended.stdout))
    if ended.returncode < 0:
        name = signal.Signals(-ended.returncode).name
        return Look(
            refused=f"ONNX Runtime ends the process with {name} on this model",
            out_of_memory=name == "SIGKILL",
        )
    last = ended.stderr.strip().splitlines()[-1:] or ["nothing was said"]
    return Look(
        refused=f"the process that opened the model failed: {last[0]}", out_of_memory="Memory" in last[0]
    )
