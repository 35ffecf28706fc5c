"""Requests that are measured, as events of API Gateway."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from benchmarks.models import COLUMNS, PENGUINS, ROOT, TEXTS, TINY, WIDE

Event = dict[str, Any]
Record = dict[str, str | float | int]

FLOATS = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
LENGTH = "Inference-Header-Content-Length"


def event(model: str, action: str, body: bytes, headers: Mapping[str, str]) -> Event:
    """Makes a complete event of API Gateway.

    Args:
        model: The model that is asked.
        action: `infer` or `predict`.
        body: The body as it travels.
        headers: Headers beside those of every request.
    """
    example = json.loads((ROOT / "events/realtime-infer-json.json").read_text(encoding="utf-8"))
    sent = {**example["headers"], **headers}
    resource = f"/v2/models/{{model}}/{action}"
    return {
        **example,
        "resource": resource,
        "path": f"/v2/models/{model}/{action}",
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "pathParameters": {"model": model},
        "requestContext": {**example["requestContext"], "resourcePath": resource},
        "body": base64.b64encode(body).decode("ascii"),
        "isBase64Encoded": True,
    }


def tiny_row() -> bytes:
    """One row for the tiny model, as JSON."""
    return json.dumps(_infer([0.5, -1.25, 3.0, 0.125], 1)).encode()


def one_row() -> Event:
    """One row for the tiny model."""
    return event(TINY, "infer", tiny_row(), {"Content-Type": "application/json"})


def many_floats(rows: int) -> Event:
    """Rows of 100 floats, as JSON."""
    body = json.dumps(_infer(_floats(rows).ravel().tolist(), rows)).encode()
    return event(WIDE, "infer", body, {"Content-Type": "application/json"})


def many_floats_binary(rows: int) -> Event:
    """The same rows, as bytes."""
    raw = _floats(rows).tobytes()
    size = {"binary_data_size": len(raw)}
    tensor = {"name": "x", "datatype": "FP32", "shape": [rows, COLUMNS], "parameters": size}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    headers = {"Content-Type": "application/octet-stream", LENGTH: str(len(head))}
    return event(WIDE, "infer", head + raw, headers)


def penguins_json(rows: int) -> Event:
    """Penguins as records in JSON: two columns of strings, four of floats, one of integers."""
    body = json.dumps({"instances": [_typed(record) for record in _penguins(rows)]}).encode()
    return event(PENGUINS, "predict", body, {"Content-Type": "application/json"})


def penguins_lines(rows: int) -> Event:
    """The same penguins as JSON Lines."""
    body = b"\n".join(json.dumps(_typed(record)).encode() for record in _penguins(rows))
    return event(PENGUINS, "predict", body, {"Content-Type": "application/jsonlines"})


def texts_tensor(rows: int) -> Event:
    """Texts of about 500 characters, as one tensor in JSON."""
    tensor = {"name": "x", "datatype": "BYTES", "shape": [rows], "data": _texts(rows)}
    body = json.dumps({"inputs": [tensor]}, ensure_ascii=False).encode()
    return event(TEXTS, "infer", body, {"Content-Type": "application/json"})


def texts_rows(rows: int) -> Event:
    """The same texts as records in JSON."""
    instances = [{"x": text} for text in _texts(rows)]
    body = json.dumps({"instances": instances}, ensure_ascii=False).encode()
    return event(TEXTS, "predict", body, {"Content-Type": "application/json"})


def penguins_csv(rows: int) -> Event:
    """The same penguins as CSV."""
    records = _penguins(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return event(
        PENGUINS, "predict", text.getvalue().encode(), {"Content-Type": "text/csv", "Accept": "text/csv"}
    )


def _infer(values: list[float], rows: int) -> dict[str, object]:
    shape = [rows, len(values) // rows]
    return {"inputs": [{"name": "x", "datatype": "FP32", "shape": shape, "data": values}]}


def _floats(rows: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    values = np.random.default_rng(7).standard_normal((rows, COLUMNS), np.float32)
    return cast("np.ndarray[tuple[int, int], np.dtype[np.float32]]", values)


def _texts(rows: int) -> list[str]:
    random = np.random.default_rng(7)
    words = ("the", "model", "does not", "answer;", '"quickly"', "enough,", "très", "souvent", "\n", "2026")
    return [" ".join(random.choice(words, 90)) for _ in range(rows)]


def _penguins(rows: int) -> list[dict[str, str]]:
    with (ROOT / "examples/penguins.csv").open(encoding="utf-8", newline="") as file:
        whole = [record for record in csv.DictReader(file) if all(record.values())]
    return [whole[row % len(whole)] for row in range(rows)]


def _typed(record: Mapping[str, str]) -> Record:
    numbers = {name: float(record[name]) for name in FLOATS}
    return {"island": record["island"], **numbers, "sex": record["sex"], "year": int(record["year"])}
