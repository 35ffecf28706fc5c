"""Requests that no two are alike, as jobs and as real time take them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from arro3.core import Array, DataType, RecordBatch
from arro3.io import write_parquet
from numpy.random import Generator

from local.jobs import Job, Jobs

MEASURES = {
    "bill_length_mm": (32, 60),
    "bill_depth_mm": (13, 22),
    "flipper_length_mm": (170, 232),
    "body_mass_g": (2700, 6300),
}
ARROW = {"string": DataType.string(), "int64": DataType.int64(), "float32": DataType.float32()}


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A request.

    Attributes:
        model: The model.
        method: What real time calls it, infer or predict.
        body: The body.
        kind: Its content type.
        headers: Further headers.
    """

    model: str
    method: str
    body: bytes
    kind: str
    headers: dict[str, str] = field(default_factory=dict)

    def as_job(self, jobs: Jobs, **options: str | int) -> Job:
        """Hands it over as a job."""
        return jobs.submit(self.model, self.body, self.kind, headers=self.headers, **options)

    def in_real_time(self, jobs: Jobs) -> httpx.Response:
        """Has it answered at once."""
        headers = {"content-type": self.kind, **self.headers}
        path = f"/v2/models/{self.model}/{self.method}"
        return jobs.request("POST", path, content=self.body, headers=headers)


type Make = Callable[[Generator], JobRequest]


def digits_json(chance: Generator) -> JobRequest:
    """One to three images of random pixels as JSON."""
    images = _images(chance)
    entry = {"name": "image", "datatype": "FP32", "shape": images.shape, "data": images.ravel().tolist()}
    return JobRequest("digits", "infer", _dump({"inputs": [entry]}), "application/json")


def digits_binary(chance: Generator) -> JobRequest:
    """One to three images of random pixels as bytes, in and out."""
    images = _images(chance)
    binary = {"binary_data_size": images.nbytes}
    entry = {"name": "image", "datatype": "FP32", "shape": images.shape, "parameters": binary}
    header = _dump({"inputs": [entry], "parameters": {"binary_data_output": True}})
    length = {"Inference-Header-Content-Length": str(len(header))}
    return JobRequest("digits", "infer", header + images.tobytes(), "application/octet-stream", length)


def films_json(chance: Generator) -> JobRequest:
    """One to four users, known and unknown."""
    users = [int(user) for user in chance.integers(1, 700, chance.integers(1, 5))]
    entry = {"name": "user_id", "datatype": "INT64", "shape": [len(users), 1], "data": users}
    return JobRequest("recommender", "infer", _dump({"inputs": [entry]}), "application/json")


def penguins_csv(chance: Generator) -> JobRequest:
    """One to five penguins as CSV, some of unknown sex."""
    return JobRequest("penguins", "predict", rows_csv(chance, int(chance.integers(1, 6))), "text/csv")


def penguins_parquet(chance: Generator) -> JobRequest:
    """One to five penguins as Parquet."""
    columns = _penguins(chance, int(chance.integers(1, 6)))
    types = {"island": "string", "sex": "string", "year": "int64"}
    arrays: dict[str, Any] = {
        name: Array(values, type=ARROW[types.get(name, "float32")]) for name, values in columns.items()
    }
    content = io.BytesIO()
    write_parquet(RecordBatch.from_pydict(arrays), content)
    return JobRequest("penguins", "predict", content.getvalue(), "application/vnd.apache.parquet")


def wrong_shape(chance: Generator) -> JobRequest:
    """Images that are vectors: only the model can tell that they are wrong."""
    pixels = chance.uniform(0, 16, 64).tolist()
    entry = {"name": "image", "datatype": "FP32", "shape": [1, 64], "data": pixels}
    return JobRequest("digits", "infer", _dump({"inputs": [entry]}), "application/json")


def wrong_cell(chance: Generator) -> JobRequest:
    """Penguins, one of whom weighs a word."""
    good = rows_csv(chance, 2).decode()
    return JobRequest("penguins", "predict", f"{good}Dream,40,18,190,heavy,male,2008\n".encode(), "text/csv")


def rows_csv(chance: Generator, count: int) -> bytes:
    """Makes a CSV file of so many penguins."""
    columns = _penguins(chance, count)
    rows = (",".join(map(str, row)) for row in zip(*columns.values(), strict=True))
    return "\n".join([",".join(columns), *rows, ""]).encode()


def _penguins(chance: Generator, count: int) -> dict[str, list[Any]]:
    return {
        "island": chance.choice(["Biscoe", "Dream", "Torgersen", "elsewhere"], count).tolist(),
        **{name: chance.uniform(*span, count).round(1).tolist() for name, span in MEASURES.items()},
        "sex": chance.choice(["male", "female", ""], count).tolist(),
        "year": chance.integers(2007, 2010, count).tolist(),
    }


def _images(chance: Generator) -> Any:  # noqa: ANN401 - NumPy's array of FP32
    return chance.uniform(0, 16, (chance.integers(1, 4), 8, 8)).astype("<f4")


def _dump(message: object) -> bytes:
    return json.dumps(message).encode()
