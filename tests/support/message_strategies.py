"""Requests for inference and for predictions that begin as valid ones, for property tests."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from arro3.core import Array as ArrowArray
from arro3.core import DataType, RecordBatch
from arro3.io import write_parquet
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from triptych.protocol.datatypes import BF16, BYTES, DATATYPES, FP32, INT64, Datatype
from triptych.protocol.tensors import Array, Tensor

from tests.support.call_strategies import sent
from tests.support.infer_messages import HEADER_LENGTH, Input, raw
from tests.support.mutations import as_json, damaged, mutated
from tests.support.realtime import Call
from tests.support.tensor_strategies import tensors_of

PENGUINS: Mapping[str, tuple[Datatype, Any, Any]] = {
    "island": (BYTES, "Biscoe", "Dream"),
    "bill_length_mm": (FP32, 39.1, None),
    "bill_depth_mm": (FP32, 18.7, 17.4),
    "flipper_length_mm": (FP32, 181.0, 186.5),
    "body_mass_g": (FP32, 3750.0, 3800.0),
    "sex": (BYTES, "male", ""),
    "year": (INT64, 2007, 2009),
}
"""Datatype of every column, and its cells in two rows."""

_ARROW: Mapping[str, Callable[[], DataType]] = {
    "BYTES": DataType.utf8,
    "FP32": DataType.float32,
    "INT64": DataType.int64,
}
_RECORDS: list[dict[str, Any]] = [{name: column[row] for name, column in PENGUINS.items()} for row in (1, 2)]
_CSV = "\n".join(
    ",".join("" if cell is None else str(cell) for cell in record)
    for record in [list(PENGUINS), *(list(record.values()) for record in _RECORDS)]
).encode()
_OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "penguins": ("species", "probabilities"),
    "recommender": ("items", "scores"),
    "digits": ("digit", "probabilities"),
    "sum_and_difference": ("sum", "difference"),
    "lookup": ("entry",),
    "pairs": ("y",),
}


def _parquet() -> bytes:
    columns = [
        ArrowArray([record[name] for record in _RECORDS], _ARROW[datatype.name]())
        for name, (datatype, *_) in PENGUINS.items()
    ]
    file = io.BytesIO()
    write_parquet(RecordBatch.from_arrays(columns, names=list(PENGUINS)), file)
    return file.getvalue()


PARQUET = _parquet()
ROWS: Mapping[str, bytes] = {
    "text/csv": _CSV,
    "application/jsonlines": b"\n".join(as_json(record) for record in _RECORDS),
    "application/json": as_json({"instances": _RECORDS}),
    "application/vnd.apache.parquet": PARQUET,
}
"""Two penguins in every format."""


@st.composite
def infer_calls(draw: st.DrawFn) -> Call:
    """A request for inference: valid, with a changed message, or with broken bytes."""
    model, tensors = draw(_valid_tensors())
    inputs = [
        Input(name, tensor, tensor.datatype is BF16 or draw(st.booleans()), draw(st.booleans()))
        for name, tensor in tensors.items()
    ]
    message: Any = {"inputs": [item.described() for item in inputs], **draw(_options(model))}
    tail = b"".join(raw(item.tensor) for item in inputs if item.binary)
    how = draw(st.sampled_from(["valid", "changed", "changed", "changed", "broken", "raw"]))
    header = as_json(draw(mutated(message)) if how == "changed" else message)
    body = tail if how == "raw" else header + tail
    body = draw(damaged(body)) if how == "broken" else body
    length = 0 if how == "raw" else len(header)
    call = Call("POST", "/v2/models/{model}/infer", {"model": model}, {HEADER_LENGTH: str(length)}, body=body)
    return draw(sent(call))


@st.composite
def predict_calls(draw: st.DrawFn, content_types: tuple[str, ...]) -> Call:
    """A request for predictions: valid, with changed rows, or with broken bytes.

    Args:
        draw: Draws from other strategies.
        content_types: Formats of the rows.
    """
    content_type = draw(st.sampled_from(content_types))
    body = draw(_rows(content_type))
    call = Call(
        "POST", "/v2/models/{model}/predict", {"model": "penguins"}, {"Content-Type": content_type}, body=body
    )
    call = draw(sent(call))
    if draw(st.integers(0, 4)) == 0:
        call = replace(call, path={"model": draw(st.sampled_from([*_OUTPUTS, *DATATYPES]))})
    return call


@st.composite
def _rows(draw: st.DrawFn, content_type: str) -> bytes:
    how = draw(st.sampled_from(["valid", "changed", "changed", "broken", "broken"]))
    if how == "changed" and content_type == "application/json":
        return as_json(draw(mutated({"instances": _RECORDS})))
    if how == "changed" and content_type == "application/jsonlines":
        return b"\n".join(as_json(draw(mutated(record))) for record in _RECORDS)
    return ROWS[content_type] if how == "valid" else draw(damaged(ROWS[content_type]))


def _valid_tensors() -> st.SearchStrategy[tuple[str, dict[str, Tensor]]]:
    echo = st.sampled_from([*DATATYPES.values()]).flatmap(
        lambda datatype: st.tuples(st.just(datatype.name), st.fixed_dictionaries({"x": tensors_of(datatype)}))
    )
    pair = _tensor(FP32, npst.arrays(np.float32, (2, 2)))
    known = st.sampled_from(
        [
            ("sum_and_difference", {"a": pair, "b": pair}),
            ("pairs", {"x": _tensor(FP32, npst.arrays(np.float32, st.integers(0, 5)))}),
            ("lookup", {"index": _tensor(INT64, npst.arrays(np.int64, 3, elements=st.integers(-4, 4)))}),
            ("digits", {"image": _tensor(FP32, st.just(np.zeros((2, 8, 8), dtype=np.float32)))}),
            ("recommender", {"user_id": _tensor(INT64, npst.arrays(np.int64, (2, 1)))}),
            (
                "penguins",
                {name: _tensor(column[0], st.just(_cells(*column))) for name, column in PENGUINS.items()},
            ),
        ]
    ).flatmap(lambda pair: st.tuples(st.just(pair[0]), st.fixed_dictionaries(pair[1])))
    return echo | known


def _tensor(datatype: Datatype, arrays: st.SearchStrategy[Array]) -> st.SearchStrategy[Tensor]:
    return arrays.map(lambda values: Tensor(datatype, values))


def _cells(datatype: Datatype, *cells: object) -> Array:
    return np.array(cells, dtype=datatype.storage).reshape(-1, 1)


def _options(model: str) -> st.SearchStrategy[dict[str, Any]]:
    parameters = st.fixed_dictionaries(
        {}, optional={"binary_data": st.booleans(), "classification": st.integers(0, 4)}
    )
    names = st.lists(st.sampled_from(_OUTPUTS.get(model, ("y",))), unique=True)
    outputs = names.flatmap(
        lambda names: st.tuples(
            *(st.fixed_dictionaries({"name": st.just(name), "parameters": parameters}) for name in names)
        )
    ).map(list)
    return st.fixed_dictionaries(
        {},
        optional={
            "id": st.text(),
            "outputs": outputs,
            "parameters": st.fixed_dictionaries({"binary_data_output": st.booleans()}),
        },
    )
