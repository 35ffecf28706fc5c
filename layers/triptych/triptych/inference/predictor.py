"""Predictions for a block of records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import orjson

from triptych.errors import BadRequest, BadRows
from triptych.inference.blocks import Block, LineBlock
from triptych.inference.json_lines import joined_cells, joined_lines, known_columns
from triptych.inference.piece import Prediction, Wanted
from triptych.inference.rows import PreparedRows, labels_of, prepare_table, row_schema
from triptych.inference.slices import Slices
from triptych.models.model import Model
from triptych.protocol.tensors import Tensor
from triptych.rows.arrow import values_of
from triptych.rows.codec import encode_rows
from triptych.rows.formats import Format, RowFormat
from triptych.rows.json_lines import encode_json_lines
from triptych.rows.options import RowOptions
from triptych.rows.table import Column, Table

_STRING = 64  # bytes that a string counts for: a pointer and an object
_KEPT_LABELS = (
    256  # bytes of labels beside each prediction in the table of lookups, which charges by the kilobyte
)
_TABLES = {Format.PARQUET, Format.ARROW}


class Predicted(NamedTuple):
    """What came of some records.

    Attributes:
        text: Them as text or bytes, ready to be written; empty for formats of tables.
        columns: Them as columns by name; without cells where there is text.
        layout: What all blocks must have in common beside the columns.
        predictions: Them by key, where that is wanted.
        rows: How many there are.
    """

    text: bytes
    columns: Mapping[str, Column]
    layout: str
    predictions: Sequence[Prediction]
    rows: int


class Predictions(NamedTuple):
    """What came of the records of a table.

    Attributes:
        slices: What came of them, slice by slice.
        filled: How many of their missing cells took the value for missing cells.
    """

    slices: Sequence[Predicted]
    filled: int


class Predictor:
    """Runs a model on blocks of one piece.

    Args:
        model: The model.
        source: Format of the piece.
        wanted: What is wanted of it.
        slices: Runs the model.
    """

    def __init__(self, model: Model, source: Format, wanted: Wanted, slices: Slices) -> None:
        self._model = model
        self._document = source is Format.JSON
        self._lines = source.is_json
        self._wanted = wanted
        self._slices = slices
        self._form = wanted.form
        join = None if self._lines else wanted.join
        self._options = RowOptions(RowFormat(source), wanted.form, join, wanted.outputs)

    def check(self, table: Table) -> None:
        """Checks what can be told from the columns alone.

        Raises:
            BadRequest: No record with these columns can be predicted for as it is wanted.
        """
        prepared = self._prepared(table)
        if table.columns:  # of JSON nothing is known yet
            self._check_key(table)
        if self._wanted.form.format is Format.NPY:
            self._only_output(prepared)
        if self._wanted.form.format is Format.JSON and not self._document:
            raise BadRequest("format: json is one document, for files that are one; choose jsonl")
        if self._lines and self._wanted.join == "all" and not self._form.format.is_json:
            raise BadRequest(
                "join: each record of JSON has columns of its own, so those of the output are not known; "
                "name them, such as join=id,name, or choose the format jsonl"
            )

    def __call__(self, block: Block) -> tuple[Predictions, int]:
        """Predicts for a block.

        Returns:
            What came of it, and how many records it had.

        Raises:
            BadRequest: Some of its records are bad.
            PayloadTooLarge: A record takes too much memory.
        """
        table = block.table()
        lines = block.lines if isinstance(block, LineBlock) else []
        return self.of_table(table, lines), table.rows

    def of_table(self, table: Table, lines: Sequence[bytes] = ()) -> Predictions:
        """Predicts for a table.

        Args:
            table: The records.
            lines: Them as lines of JSON, where they were.

        Raises:
            BadRequest: Some of its records are bad.
            PayloadTooLarge: A record takes too much memory.
        """
        keys = self._keys(table)
        prepared = self._prepared(table)
        return Predictions(list(self._parts(prepared, lines, keys)), prepared.filled)

    def _prepared(self, table: Table) -> PreparedRows:
        if self._lines and table.rows:
            table = known_columns(table, row_schema(self._model))
        prepared = prepare_table(self._model, table, self._options)
        if self._lines and not self._form.format.is_json:
            prepared = prepared._replace(joined=joined_cells(table, self._wanted.join))
        return prepared

    def _parts(
        self, prepared: PreparedRows, lines: Sequence[bytes], keys: Sequence[str]
    ) -> Iterator[Predicted]:
        size = sum(map(_size, prepared.inputs.values())) // max(1, prepared.rows)
        start = 0
        for part, results in self._slices.run(prepared, prepared.rows, size):
            stop = start + part.rows
            yield self._predicted(part, results, lines[start:stop], keys[start:stop])
            start = stop

    def _predicted(
        self, part: PreparedRows, results: Mapping[str, Tensor], lines: Sequence[bytes], keys: Sequence[str]
    ) -> Predicted:
        predictions = _by_key(part, results, keys)
        if self._wanted.form.format is Format.NPY:
            tensor = results[self._only_output(part)]
            values = np.ascontiguousarray(tensor.values)
            layout = f"{values.dtype.str}:{','.join(map(str, values.shape[1:]))}"
            return Predicted(values.tobytes(), {}, layout, predictions, part.rows)
        columns = part.columns(results)
        if self._wanted.form.format in _TABLES:
            return Predicted(b"", columns, "", predictions, part.rows)
        text = self._text(columns, lines)
        return Predicted(text, {name: [] for name in columns}, "", predictions, part.rows)

    def _text(self, columns: Mapping[str, Column], lines: Sequence[bytes]) -> bytes:
        if self._form.format is Format.CSV:
            return encode_rows(columns, self._form._replace(header=False), {})
        rows = encode_json_lines(columns)
        if self._lines and self._wanted.join != "none":
            rows = joined_lines(lines, rows, list(columns), self._wanted.join)
        return rows

    def _check_key(self, table: Table) -> None:
        if self._wanted.key is not None and self._wanted.key not in table.columns:
            raise BadRequest(f"the column {self._wanted.key!r}, which is the key, is missing")

    def _keys(self, table: Table) -> Sequence[str]:
        name = self._wanted.key
        if name is None or not table.rows:
            return ()
        self._check_key(table)
        column = table.columns[name]
        values = column if isinstance(column, list) else values_of(column)
        absent = {
            number: "the key is missing"
            for number, value in enumerate(values, 1)
            if value is None or value == ""
        }
        if absent:
            raise BadRows(absent)
        return [
            value if isinstance(value, str) else orjson.dumps(value, default=str).decode() for value in values
        ]

    def _only_output(self, prepared: PreparedRows) -> str:
        if len(prepared.specs) != 1 or prepared.specs[0].datatype.kind == "bytes":
            names = ", ".join(spec.name for spec in prepared.specs)
            raise BadRequest(
                f".npy holds one array of numbers; choose one of {names} with the option outputs"
            )
        return prepared.specs[0].name


def _by_key(part: PreparedRows, results: Mapping[str, Tensor], keys: Sequence[str]) -> Sequence[Prediction]:
    if not keys:
        return ()
    columns = part._replace(form=part.form._replace(format=Format.JSON_LINES)).columns(results)
    lines = encode_json_lines(columns)
    rows = map(orjson.loads, lines.split(b"\n")[:-1])
    labels = labels_of(part.model, part.outputs)
    kept = labels if len(orjson.dumps(labels)) <= _KEPT_LABELS else {}
    return list({key: Prediction(key, row, kept) for key, row in zip(keys, rows, strict=True)}.values())


def _size(tensor: Tensor) -> int:
    return tensor.values.size * _STRING if tensor.datatype.kind == "bytes" else tensor.values.nbytes
