"""How many rows a second go through the state machine, from S3 to S3, with 1, 2 and 4 workers?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.batch import FLOOR, contestants, rows_of_csv
from benchmarks.harness.command import answer
from benchmarks.harness.measuring import SMOKE, Effort, Spread, spread
from benchmarks.harness.processes import run
from benchmarks.harness.result import Figure, Goal, Result
from benchmarks.models import ROWS_OF_20, file_of, repository
from local.batches import Batches
from local.build import ensure_built
from local.deploy import LOCAL_PARAMETERS, deploy
from local.emulator import Emulator
from local.jobs import Jobs
from local.stack import StackInfo

DIRECT = "triptych, one function, no state machine"
_WORKERS = (1, 2, 4)
_MEGABYTE = 2**20
_SECONDS = 600.0
_NOTES = [
    "The real template on the emulator of `make up`: upload, event, queue, plan, chunks, join, manifest.",
    "Timed from the end of the upload to the end that the batch records; the floor's files are on the disk.",
    "The emulator, one Python process for S3, DynamoDB and Step Functions, shares the processors.",
    "Workers share them too; in AWS each has its own, so more workers scale better there.",
    "Model and functions are warm: one file is transformed before the timed ones.",
]


def workflow(effort: Effort) -> Result:
    """How many rows a second go through the state machine, from S3 to S3?"""
    rows = 10**6 if effort.full else 300_000 if effort is not SMOKE else 500
    chunk = 8 * _MEGABYTE if effort is not SMOKE else 2**14
    rounds = min(effort.rounds, 3)
    ensure_built()
    with TemporaryDirectory() as name:
        directory = Path(name)
        model = file_of(repository(directory / "models", ROWS_OF_20), ROWS_OF_20)
        source = rows_of_csv(directory / "rows.csv", rows)
        size = source.stat().st_size
        floor = contestants(source, model, directory, {})[FLOOR]
        seconds = {FLOOR: [run(floor).seconds for _ in range(rounds + 1)][1:]}
        expected = Path(floor.command[-1]).read_bytes()
        emulator = Emulator(directory / "stack")
        try:
            emulator.start()
            for who, parameters in _ways(chunk, effort).items():
                stack = deploy(emulator.aws(), directory / "deploy.log", LOCAL_PARAMETERS | parameters)
                _publish(stack, model)
                seconds[who] = _timed(stack, source.read_bytes(), expected, rounds)
        finally:
            emulator.stop()
    case = f"{rows:,} rows, {size / 1e6:,.0f} MB"
    figures = [Figure(case, who, "rows/s", _rates(rows, found)) for who, found in seconds.items()]
    goals = [Goal(case, "rows/s", DIRECT, FLOOR, "at least", 0.85)]
    return Result(
        "workflow", "Batch: from S3 to S3", "full" if effort.full else "quick", figures, goals, notes=_NOTES
    )


def _ways(chunk: int, effort: Effort) -> dict[str, dict[str, str]]:
    """Returns parameters of the template by what they stand for."""
    chunks = {"BatchDirectBytes": str(chunk), "BatchChunkBytes": str(chunk)}
    workers = _WORKERS[:1] if effort is SMOKE else _WORKERS
    return {
        DIRECT: {"BatchDirectBytes": str(1024 * _MEGABYTE)},
        **{f"triptych, {n} at once": chunks | {"BatchMaxConcurrency": str(n)} for n in workers},
    }


def _publish(stack: StackInfo, model: Path) -> None:
    bucket, key = stack.outputs["ModelBucket"], f"models/{ROWS_OF_20}/1/model.onnx"
    stack.aws().s3().put_object(Bucket=bucket, Key=key, Body=model.read_bytes())


def _timed(stack: StackInfo, body: bytes, expected: bytes, rounds: int) -> list[float]:
    """Transforms a file again and again; the first time does not count."""
    took: list[float] = []
    with Jobs(stack) as api:
        batches = Batches(stack, api)
        for number in range(rounds + 1):
            key = f"{ROWS_OF_20}/{number}.csv"
            batch = batches.drop(key, body, join="id")
            dropped = datetime.now(UTC)
            last = batches.ended(batch, _SECONDS)
            took.append((datetime.fromisoformat(last["ended_at"]) - dropped).total_seconds())
            if last["status"] != "succeeded" or _ids(batches.made(f"{key}.out")) != _ids(expected):
                raise RuntimeError(f"the file was not transformed: {last}")
    return took[1:]


def _ids(output: bytes) -> list[bytes]:
    return [line.partition(b",")[0] for line in output.splitlines()]


def _rates(rows: int, seconds: list[float]) -> Spread:
    return spread([[rows / one] for one in seconds])


if __name__ == "__main__":
    answer(workflow)
