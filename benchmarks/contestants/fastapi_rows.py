"""FastAPI with pydantic: penguins in, their species out."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from benchmarks.contestants.floor import inputs_of
from benchmarks.contestants.handler import session


class Penguin(BaseModel):
    """A penguin."""

    island: str
    bill_length_mm: float
    bill_depth_mm: float
    flipper_length_mm: float
    body_mass_g: float
    sex: str
    year: int


class Instances(BaseModel):
    """What is asked."""

    instances: list[Penguin]


class Prediction(BaseModel):
    """What is predicted for one."""

    species: str
    probabilities: list[float]


class Predictions(BaseModel):
    """What is answered."""

    predictions: list[Prediction]


def application(model: Path) -> FastAPI:
    """Makes the application for records in JSON.

    Args:
        model: The `.onnx` file.
    """
    run = session(model).run
    application = FastAPI()

    @application.post("/v2/models/{name}/predict")
    async def predict(name: str, request: Instances) -> Predictions:  # noqa: ARG001 - the path has it
        species, chances = run(None, _inputs(request.instances))
        pairs = zip(species.tolist(), chances.tolist(), strict=True)
        return Predictions(predictions=[Prediction(species=who, probabilities=all_) for who, all_ in pairs])

    return application


def csv_application(model: Path) -> FastAPI:
    """Makes the application for rows in CSV.

    Args:
        model: The `.onnx` file.
    """
    run = session(model).run
    application = FastAPI()

    @application.post("/v2/models/{name}/predict")
    async def predict(name: str, request: Request) -> Response:  # noqa: ARG001 - the path has it
        reader = csv.DictReader(io.StringIO((await request.body()).decode()))
        penguins = [Penguin.model_validate(record) for record in reader]
        species, chances = run(None, _inputs(penguins))
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["species", "Adelie", "Chinstrap", "Gentoo"])
        writer.writerows(zip(species.tolist(), *chances.T.tolist(), strict=True))
        return Response(text.getvalue(), media_type="text/csv")

    return application


def _inputs(penguins: Sequence[Penguin]) -> dict[str, Any]:
    return inputs_of(
        {name: [getattr(penguin, name) for penguin in penguins] for name in Penguin.model_fields}
    )
