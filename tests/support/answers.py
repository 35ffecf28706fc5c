"""What answers hold, whatever they are written in, and whether two of them say the same."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import httpx
from arro3.io import read_parquet
from tritonclient.http import InferResult

RELATIVE, ABSOLUTE = 1e-4, 1e-6
"""How far two floats may differ: jobs that run together are added up in another order."""

_HEADER_LENGTHS = ("inference-header-content-length", "x-amz-meta-inference-header-content-length")


def alike(expected: httpx.Response, actual: httpx.Response) -> bool:
    """Returns whether two answers have the same content type and hold the same, but for rounding."""
    kinds = expected.headers["content-type"], actual.headers["content-type"]
    return kinds[0] == kinds[1] and _same(content(expected), content(actual))


def content(answer: httpx.Response) -> Any:  # noqa: ANN401 - whatever it holds
    """Reads an answer: rows as lists, tensors by name, JSON as it is."""
    match answer.headers["content-type"].split(";")[0]:
        case "application/json":
            return answer.json()
        case "text/csv":
            return [[_cell(cell) for cell in row] for row in csv.reader(io.StringIO(answer.text))]
        case "application/octet-stream":
            return _tensors(answer)
        case "application/vnd.apache.parquet":
            table = read_parquet(io.BytesIO(answer.content)).read_all()
            return {name: table.column(name).to_pylist() for name in table.column_names}
        case kind:
            raise ValueError(f"cannot compare {kind}")


def _cell(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _tensors(answer: httpx.Response) -> dict[str, Any]:
    length = next(answer.headers[name] for name in _HEADER_LENGTHS if name in answer.headers)
    result = InferResult.from_response_body(answer.content, header_length=int(length))
    described = result.get_response()
    outputs = {output["name"]: result.as_numpy(output["name"]).tolist() for output in described["outputs"]}
    return {"model": described["model_name"], "version": described["model_version"], **outputs}


def _same(expected: object, actual: object) -> bool:
    match expected, actual:
        case float(), float():
            return math.isclose(expected, actual, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
        case dict(), dict():
            return expected.keys() == actual.keys() and all(
                _same(expected[key], actual[key]) for key in expected
            )
        case list(), list():
            return len(expected) == len(actual) and all(map(_same, expected, actual))
        case _:
            return expected == actual
