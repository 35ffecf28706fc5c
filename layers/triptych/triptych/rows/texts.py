"""Converts cells that are text, as those of CSV, to arrays of a datatype."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from arro3.core import Array as ArrowArray
from arro3.core import DataType

from triptych.protocol.datatypes import Kind
from triptych.rows.arrow import values_of
from triptych.rows.values import Cells, Target, array_of_values, stored, unreadable

MISSING = "NA"
"""Text that stands for a missing number or boolean, beside the empty cell; in a string column it is text."""

_INTEGER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_NAMED = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}

_ARROW: dict[str, DataType] = {
    "INT8": DataType.int8(),
    "INT16": DataType.int16(),
    "INT32": DataType.int32(),
    "INT64": DataType.int64(),
    "UINT8": DataType.uint8(),
    "UINT16": DataType.uint16(),
    "UINT32": DataType.uint32(),
    "UINT64": DataType.uint64(),
    "FP16": DataType.float16(),
    "BF16": DataType.float32(),
    "FP32": DataType.float32(),
    "FP64": DataType.float64(),
}


def array_of_texts(texts: ArrowArray, target: Target) -> Cells:
    """Parses a column of text; null is a missing cell.

    Arrow parses the whole column at once; only cells that it leaves unread are parsed one by one.

    Raises:
        BadRequest: A cell is not of the datatype, or missing where nothing replaces it.
    """
    datatype = target.datatype
    if datatype.kind == "bytes":
        if texts.null_count == 0:
            return Cells(texts.to_numpy())
        return array_of_values(values_of(texts), target)
    if datatype.kind == "bool":
        return array_of_values(_completed([None] * len(texts), texts, target), target)
    numbers = texts.cast(_ARROW[datatype.name])
    if numbers.null_count == 0:
        values = numbers.to_numpy()
        if datatype.kind == "int" or not np.isinf(values).any():
            return Cells(stored(values, datatype))
    return array_of_values(_completed(values_of(numbers), texts, target), target)


def _completed(values: list[Any], texts: ArrowArray, target: Target) -> list[Any]:
    """Parses the cells that Arrow left unread, or overflowed to an infinity that nobody wrote."""
    parse = _PARSERS[target.datatype.kind]
    unread: dict[int, object] = {}
    for position, (value, text) in enumerate(zip(values, values_of(texts), strict=True)):
        if text is None or not (value is None or value in (math.inf, -math.inf)):
            continue
        stripped = text.strip()
        values[position] = None if stripped in ("", MISSING) else parse(stripped)
        if values[position] is None and stripped not in ("", MISSING):
            unread[position + 1] = text
    if unread:
        raise unreadable(unread, target)
    return values


def _integer(text: str) -> int | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    value = _float(text)
    return int(value) if value is not None and value.is_integer() else None


def _float(text: str) -> float | None:
    if _NAMED.fullmatch(text):
        return float(text)
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    return None if math.isinf(value) else value


_PARSERS: dict[Kind, Callable[[str], bool | float | None]] = {
    "int": _integer,
    "float": _float,
    "bool": lambda text: _BOOLEANS.get(text.lower()),
}
