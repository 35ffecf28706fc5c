"""A handler as it is written by hand in a few lines: the standard library, no checks, no log line."""

from __future__ import annotations

import base64
import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contestants.floor import inputs_of
from benchmarks.contestants.handler import Handler, answered, session
from benchmarks.requests import LENGTH


def tensors(model: Path) -> Handler:
    """One tensor as JSON, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        sent = json.loads(base64.b64decode(event["body"]))["inputs"][0]
        (found,) = run(None, {"x": np.array(sent["data"], np.float32).reshape(sent["shape"])})
        output = {"name": "y", "datatype": "FP32", "shape": found.shape, "data": found.ravel().tolist()}
        return answered(json.dumps({"outputs": [output]}))

    return handle


def binary(model: Path) -> Handler:
    """One tensor as bytes, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        body = base64.b64decode(event["body"])
        length = int(event["headers"][LENGTH])
        shape = json.loads(body[:length])["inputs"][0]["shape"]
        (found,) = run(None, {"x": np.frombuffer(body[length:], np.float32).reshape(shape)})
        return answered(base64.b64encode(found.tobytes()).decode(), "application/octet-stream", binary=True)

    return handle


def records(model: Path) -> Handler:
    """Records as JSON, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        sent = json.loads(base64.b64decode(event["body"]))["instances"]
        columns = {name: [record[name] for record in sent] for name in sent[0]}
        species, chances = run(None, inputs_of(columns))
        pairs = zip(species.tolist(), chances.tolist(), strict=True)
        made = [{"species": name, "probabilities": chance} for name, chance in pairs]
        return answered(json.dumps({"predictions": made}))

    return handle


def lines(model: Path) -> Handler:
    """Records as JSON Lines, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        sent = [json.loads(line) for line in base64.b64decode(event["body"]).splitlines()]
        columns = {name: [record[name] for record in sent] for name in sent[0]}
        species, chances = run(None, inputs_of(columns))
        pairs = zip(species.tolist(), chances.tolist(), strict=True)
        made = [json.dumps({"species": name, "probabilities": chance}) for name, chance in pairs]
        return answered("\n".join(made), "application/jsonlines")

    return handle


def texts(model: Path) -> Handler:
    """A tensor of texts as JSON, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        sent = json.loads(base64.b64decode(event["body"]))["inputs"][0]
        (found,) = run(None, {"x": np.array(sent["data"], object).reshape(sent["shape"])})
        output = {"name": "y", "datatype": "BYTES", "shape": found.shape, "data": found.tolist()}
        return answered(json.dumps({"outputs": [output]}))

    return handle


def text_records(model: Path) -> Handler:
    """Records with a text as JSON, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        sent = json.loads(base64.b64decode(event["body"]))["instances"]
        (found,) = run(None, {"x": np.array([record["x"] for record in sent], object)})
        return answered(json.dumps({"predictions": [{"y": text} for text in found.tolist()]}))

    return handle


def rows(model: Path) -> Handler:
    """Rows as CSV, in and out."""
    run = session(model).run

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        sent = list(csv.DictReader(io.StringIO(base64.b64decode(event["body"]).decode())))
        columns = {name: [record[name] for record in sent] for name in sent[0]}
        species, chances = run(None, inputs_of(columns))
        text = io.StringIO()
        writer = csv.DictWriter(text, ["species", "Adelie", "Chinstrap", "Gentoo"])
        writer.writeheader()
        for name, (adelie, chinstrap, gentoo) in zip(species.tolist(), chances.tolist(), strict=True):
            writer.writerow({"species": name, "Adelie": adelie, "Chinstrap": chinstrap, "Gentoo": gentoo})
        return answered(text.getvalue(), "text/csv")

    return handle
