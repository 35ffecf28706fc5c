"""The floor: nothing but decoding, running and encoding, with the fastest libraries known."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pybase64

from benchmarks.contestants.handler import Handler, answered, session
from benchmarks.requests import FLOATS, LENGTH


def tensors(model: Path) -> Handler:
    """One tensor as JSON, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        sent = orjson.loads(pybase64.b64decode(event["body"]))["inputs"][0]
        values = np.array(sent["data"], np.float32).reshape(sent["shape"])
        (found,) = run(None, {"x": values})
        output = {"name": "y", "datatype": "FP32", "shape": found.shape, "data": found.ravel()}
        return answered(orjson.dumps({"outputs": [output]}, option=orjson.OPT_SERIALIZE_NUMPY).decode())

    return handle


def binary(model: Path) -> Handler:
    """One tensor as bytes, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        body = pybase64.b64decode(event["body"])
        values = np.frombuffer(body, np.float32, offset=int(event["headers"][LENGTH])).reshape(-1, 100)
        (found,) = run(None, {"x": values})
        return answered(pybase64.b64encode(found.tobytes()).decode(), "application/octet-stream", binary=True)

    return handle


def records(model: Path) -> Handler:
    """Records as JSON, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        sent = orjson.loads(pybase64.b64decode(event["body"]))["instances"]
        columns = {name: [record[name] for record in sent] for name in sent[0]}
        species, chances = run(None, inputs_of(columns))
        made = [
            {"species": name, "probabilities": chance}
            for name, chance in zip(species.tolist(), chances, strict=True)
        ]
        return answered(orjson.dumps({"predictions": made}, option=orjson.OPT_SERIALIZE_NUMPY).decode())

    return handle


def lines(model: Path) -> Handler:
    """Records as JSON Lines, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        sent = [orjson.loads(line) for line in pybase64.b64decode(event["body"]).split(b"\n")]
        columns = {name: [record[name] for record in sent] for name in sent[0]}
        species, chances = run(None, inputs_of(columns))
        made = [
            orjson.dumps({"species": name, "probabilities": chance}, option=orjson.OPT_SERIALIZE_NUMPY)
            for name, chance in zip(species.tolist(), chances, strict=True)
        ]
        return answered(b"\n".join(made).decode(), "application/jsonlines")

    return handle


def texts(model: Path) -> Handler:
    """A tensor of texts as JSON, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        sent = orjson.loads(pybase64.b64decode(event["body"]))["inputs"][0]
        (found,) = run(None, {"x": np.array(sent["data"], object).reshape(sent["shape"])})
        output = {"name": "y", "datatype": "BYTES", "shape": found.shape, "data": found.tolist()}
        return answered(orjson.dumps({"outputs": [output]}).decode())

    return handle


def text_records(model: Path) -> Handler:
    """Records with a text as JSON, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        sent = orjson.loads(pybase64.b64decode(event["body"]))["instances"]
        (found,) = run(None, {"x": np.array([record["x"] for record in sent], object)})
        return answered(orjson.dumps({"predictions": [{"y": text} for text in found.tolist()]}).decode())

    return handle


def rows(model: Path) -> Handler:
    """Rows as CSV, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        names, *lines = csv.reader(io.StringIO(pybase64.b64decode(event["body"]).decode()))
        columns = dict(zip(names, zip(*lines, strict=True), strict=True))
        species, chances = run(None, inputs_of(columns))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["species", "Adelie", "Chinstrap", "Gentoo"])
        writer.writerows(zip(species.tolist(), *chances.T.tolist(), strict=True))
        return answered(text.getvalue(), "text/csv")

    return handle


def inputs_of(columns: dict[str, Any]) -> dict[str, Any]:
    """Makes the model's inputs, each of one column, of columns of penguins."""
    kinds = {"island": object, "sex": object, "year": np.int64, **dict.fromkeys(FLOATS, np.float32)}
    return {name: np.array(columns[name], kind).reshape(-1, 1) for name, kind in kinds.items()}
