"""How many texts and images a second, in each mode and in a loop by hand, and how much padding is saved?"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from io import BytesIO
from itertools import batched, chain
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from triptych.aws.queue import Delivery
from triptych.models.config import ModelConfig, SessionSettings
from triptych.models.model import Model, VersionFiles
from triptych.tasks.open import open_session
from triptych.tasks.texts import NEW_RUN, micro_batches

from benchmarks.contestants import task_loops, triptych
from benchmarks.contestants.batch import engine
from benchmarks.contestants.job_world import JobWorld
from benchmarks.contestants.task_loops import BATCH, Loop, Values
from benchmarks.harness.command import answer
from benchmarks.harness.measuring import SMOKE, Effort, Spread, spread
from benchmarks.harness.result import Figure, Goal, Result
from benchmarks.harness.silence import silence
from benchmarks.models import ENCODER, HANDWRITING, REVIEWS, ROOT, file_of, repository
from benchmarks.requests import event

REAL_TIME, JOBS, FILES = "triptych, real time", "triptych, jobs", "triptych, batch"
LOOP, SORTED = "loop by hand", "loop by hand, sorted by length"
PADDING = "tokens that the model runs for 100 of texts"
_JOBS_A_CALL = 100
_NOTES = [
    "All have one thread for the model and give the same numbers (checked first).",
    (
        f"The loop is tokenizers or Pillow and ONNX Runtime, {BATCH} texts or images a run, from memory to "
        "memory; sorted by length it does as sentence-transformers and text-embeddings-inference do."
    ),
    (
        f"Real time: {BATCH} a request, as tensors in JSON, images in base64. Jobs: one each, "
        f"{_JOBS_A_CALL} an invocation, stores in memory. Batch: the engine of a worker, from JSON Lines on "
        "the disk to JSON Lines."
    ),
    (
        "The transformer has the size of all-MiniLM-L6-v2, with weights at random. Texts are made of the "
        "words of reviews, 30 in the median, up to 180. Images are JPEG of 640 x 480."
    ),
]


class Task(NamedTuple):
    """What is asked of a model.

    Attributes:
        case: What it is called.
        model: The model.
        column: Its input.
        output: The output that is compared.
        values: What it is asked.
        loops: Loops by hand, by name, made of the model's file; the best one is the last.
    """

    case: str
    model: str
    column: str
    output: str
    values: Sequence[Any]
    loops: Mapping[str, Callable[[Path], Loop]]

    @property
    def unit(self) -> str:
        """Of what a second there are many."""
        return f"{self.column}s/s"


class Contestant(NamedTuple):
    """A way to have it done, of which only the work is timed.

    Attributes:
        prepare: Makes what the work takes.
        work: Does it.
        read: Reads the numbers of what came of it.
    """

    prepare: Callable[[], Any]
    work: Callable[[Any], Any]
    read: Callable[[Any], Values]


class Disagreement(AssertionError):
    """Contestants do not answer the same."""


def texts(effort: Effort) -> Result:
    """How many texts and images a second, in each mode and in a loop by hand?"""
    figures: list[Figure] = []
    goals: list[Goal] = []
    with TemporaryDirectory() as name, silence() as logs, redirect_stdout(logs):
        for task in tasks(small=effort is SMOKE):
            contestants = _contestants(task, Path(name) / task.model)
            _check(task, contestants)
            figures += _rates(task, contestants, min(effort.rounds, 3))
            goals += [
                Goal(task.case, task.unit, mode, list(task.loops)[-1], "at least", 0.9)
                for mode in (REAL_TIME, JOBS, FILES)
            ]
    effort_name = "full" if effort.full else "quick"
    return Result(
        "texts", "Texts and images", effort_name, figures + _padding(_texts(512)), goals, notes=_NOTES
    )


def tasks(*, small: bool) -> list[Task]:
    """Returns what is asked.

    Args:
        small: Whether few texts and images are enough.
    """

    def loops(finish: Callable[[Values, Values], Values]) -> dict[str, Callable[[Path], Loop]]:
        return {
            LOOP: lambda model: task_loops.texts(model, finish, by_length=False),
            SORTED: lambda model: task_loops.texts(model, finish, by_length=True),
        }

    few, many, some = (4, 4, 2) if small else (96, 2048, 96)
    return [
        Task(
            "embeddings, a transformer of 6 layers",
            ENCODER,
            "text",
            "embedding",
            _texts(few),
            loops(task_loops.embedded),
        ),
        Task(
            "classification, the bag of words that ships",
            REVIEWS,
            "text",
            "scores",
            _texts(many),
            loops(task_loops.softmax),
        ),
        Task(
            "images, the classifier that ships",
            HANDWRITING,
            "image",
            "scores",
            _images(some),
            {LOOP: lambda model: task_loops.images(model, 8)},
        ),
    ]


def _contestants(task: Task, directory: Path) -> dict[str, Contestant]:
    models = repository(directory / "models", task.model)
    by_hand = {name: made(file_of(models, task.model)) for name, made in task.loops.items()}
    return {
        REAL_TIME: _real_time(task, models),
        JOBS: _jobs(task, directory / "jobs"),
        FILES: _files(task, models, directory),
        **{name: Contestant(lambda: task.values, loop, np.asarray) for name, loop in by_hand.items()},
    }


def _real_time(task: Task, models: Path) -> Contestant:
    handler = triptych.handler(models)
    kind = {"Content-Type": "application/json"}
    events = [
        event(task.model, "infer", _tensor(task, values), kind)
        for values in batched(task.values, BATCH, strict=False)
    ]
    return Contestant(
        lambda: events,
        lambda events: [handler(one)["body"].encode() for one in events],
        lambda bodies: _answers(task, bodies),
    )


def _jobs(task: Task, directory: Path) -> Contestant:
    world = JobWorld(directory, task.model, grouped=True)
    bodies = [_tensor(task, [value]) for value in task.values]

    def work(deliveries: Sequence[Delivery]) -> list[bytes]:
        for messages in batched(deliveries, _JOBS_A_CALL, strict=False):
            world.work(messages)
        found = [body for body, _ in world.results()]
        world.forget()
        return found

    return Contestant(lambda: world.submit(bodies), work, lambda bodies: _answers(task, bodies))


def _files(task: Task, models: Path, directory: Path) -> Contestant:
    files = VersionFiles(task.model, 1, file_of(models, task.model).parent)
    settings = SessionSettings(threads=1, weights="prepacked")
    opened = Model(task.model, 1, ModelConfig(), open_session(files, ModelConfig(), settings))
    source, target = directory / "source.jsonl", directory / "target.jsonl"
    rows = [{"id": number, task.column: _sent(value)} for number, value in enumerate(task.values)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def read(_: object) -> Values:
        found = [json.loads(line)[task.output] for line in target.read_bytes().splitlines()]
        return np.array(found, np.float32)

    return Contestant(lambda: source, lambda source: engine.predict(opened, source, target), read)


def _tensor(task: Task, values: Sequence[Any]) -> bytes:
    data = [_sent(value) for value in values]
    tensor = {"name": task.column, "datatype": "BYTES", "shape": [len(data)], "data": data}
    return json.dumps({"inputs": [tensor], "outputs": [{"name": task.output}]}).encode()


def _sent(value: str | bytes) -> str:
    return value if isinstance(value, str) else base64.b64encode(value).decode()


def _answers(task: Task, bodies: Sequence[bytes]) -> Values:
    outputs = [json.loads(body)["outputs"][0] for body in bodies]
    found = np.array(list(chain.from_iterable(output["data"] for output in outputs)), np.float32)
    return found.reshape(len(task.values), -1)


def _check(task: Task, contestants: Mapping[str, Contestant]) -> None:
    found = {name: one.read(one.work(one.prepare())) for name, one in contestants.items()}
    for name, values in found.items():
        if values.shape != found[LOOP].shape or not np.allclose(values, found[LOOP], atol=1e-4):
            raise Disagreement(f"{task.case}: {name} does not answer as the loop does")


def _rates(task: Task, contestants: Mapping[str, Contestant], rounds: int) -> list[Figure]:
    rates: dict[str, list[list[float]]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, one in contestants.items():
            prepared = one.prepare()
            started = perf_counter()
            one.work(prepared)
            rates[name].append([len(task.values) / (perf_counter() - started)])
    return [Figure(task.case, name, task.unit, spread(runs)) for name, runs in rates.items()]


def _padding(found: Sequence[str]) -> list[Figure]:
    """Counts tokens with padding, for 100 without: one by one, in order, sorted, and as the program does."""
    tokenizer = task_loops.tokenizer_of(ROOT / "layers/models/search/1/model.onnx")
    lengths = [len(encoding) for encoding in tokenizer.encode_batch_fast(list(found))]

    def run(batches: Sequence[Sequence[int]]) -> Spread:
        tokens = sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)
        return Spread(*[100 * tokens / sum(lengths)] * 4)

    order = range(len(lengths))
    by_length = sorted(order, key=lengths.__getitem__)
    return [
        Figure(PADDING, "triptych", "tokens", run(list(micro_batches(lengths, len(lengths), NEW_RUN)))),
        Figure(PADDING, LOOP, "tokens", run(list(batched(order, BATCH, strict=False)))),
        Figure(PADDING, SORTED, "tokens", run(list(batched(by_length, BATCH, strict=False)))),
    ]


def _texts(count: int) -> list[str]:
    """Makes texts of the words of reviews; their lengths differ as those of reviews do."""
    lines = (ROOT / "examples/reviews.csv").read_text(encoding="utf-8").splitlines()[1:]
    words = " ".join(line.partition(",")[2] for line in lines).split()
    random = np.random.default_rng(7)
    lengths = np.clip(random.lognormal(np.log(30), 0.8, count), 3, 180).astype(int)
    starts = random.integers(0, len(words) - 180, count)
    return [" ".join(words[start : start + length]) for start, length in zip(starts, lengths, strict=True)]


def _images(count: int) -> list[bytes]:
    """Makes photographs of clouds, of 640 x 480 pixels."""
    random = np.random.default_rng(7)
    made: list[bytes] = []
    for _ in range(count):
        rough = Image.fromarray(random.integers(0, 256, (48, 64, 3), np.uint8))
        file = BytesIO()
        rough.resize((640, 480), Image.Resampling.BICUBIC).save(file, "JPEG", quality=85)
        made.append(file.getvalue())
    return made


if __name__ == "__main__":
    answer(texts)
