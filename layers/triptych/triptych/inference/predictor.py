"""Predictions for a block of records: decode, run slice by slice, encode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson

from triptych.errors import BadRequest, BadRows
from triptych.inference.blocks import Block, JsonBlock
from triptych.inference.json_records import Survey, joined_cells, joined_lines, known_columns
from triptych.inference.merging import input_bytes
from triptych.inference.output import TABLES, Part
from triptych.inference.piece import Prediction
from triptych.inference.rows import PreparedRows, labels_of, prepare_table, row_schema
from triptych.inference.slices import Slices
from triptych.protocol.tensors import Array, Tensor
from triptych.rows.arrow import values_of
from triptych.rows.codec import encode_rows
from triptych.rows.formats import Format
from triptych.rows.json_lines import encode_json_lines
from triptych.rows.options import RowOptions
from triptych.rows.table import AnswerColumn, Table

_KEPT_LABELS = 256
"""Bytes of labels beside each prediction in the table of lookups, which charges by the kilobyte."""


class Decoded(NamedTuple):
    """A block that is checked, and can be run.

    Attributes:
        records: The same as values of JSON, where those come back before their predictions.
        keys: What identifies each, where predictions are looked up.
    """

    prepared: PreparedRows
    records: Sequence[Any] = ()
    keys: Sequence[str] = ()


class Predictor:
    """Predicts for the blocks of one file.

    Args:
        key: Column that identifies a record for lookups; None when there are none.
        survey: The columns of JSON Lines that are one table; None where each record stands alone.
        images: As that of `Piece`.
    """

    def __init__(
        self,
        options: RowOptions,
        slices: Slices,
        key: str | None = None,
        survey: Survey | None = None,
        images: Callable[[Array], Array] | None = None,
    ) -> None:
        self._images = images
        self._options = options
        self._slices = slices
        self._model = slices.model
        self._key = key
        self._survey = survey
        self._alone = options.input.format.is_json and survey is None
        self._form = options.output.format
        self._spliced = self._alone and self._form.is_json and options.join != ()

    def header(self, table: Table) -> Part:
        """Returns the columns of the output, without rows, as far as those of the input tell them.

        Raises:
            BadRequest: No record with these columns can be predicted for as it is asked for.
        """
        prepared = self._prepared(table)
        if table.columns:  # of JSON nothing is known yet
            self._check_key(table)
        if self._form is Format.NPY:
            _only_output(prepared)
        if self._form is Format.JSON and self._options.input.format is not Format.JSON:
            raise BadRequest("format: json is one document, for files that are one; choose jsonl")
        if self._alone and self._options.join is None and not self._form.is_json:
            raise BadRequest(
                "join: each record of JSON has columns of its own, so those of the output are not known; "
                "name them, such as join=id,name, or choose the format jsonl"
            )
        (part,) = self.run(Decoded(prepared))
        return part

    def decode(self, block: Block) -> Decoded:
        """Decodes and checks a block.

        Raises:
            BadRequest: Some of its records are bad.
            PayloadTooLarge: They take too much memory.
        """
        table = block.table()
        keys = self._keys(table)
        records = block.records if self._spliced and isinstance(block, JsonBlock) else ()
        return Decoded(self._with_images(self._prepared(table)), records, keys)

    def _with_images(self, prepared: PreparedRows) -> PreparedRows:
        """Reads the images that cells name: what is joined are the names."""
        if self._images is None or not prepared.rows:
            return prepared
        images = {spec.name for spec in self._model.signature.inputs if spec.image}
        inputs = {
            name: tensor._replace(values=self._images(tensor.values)) if name in images else tensor
            for name, tensor in prepared.inputs.items()
        }
        return prepared._replace(inputs=inputs)

    def run(self, decoded: Decoded) -> Iterator[Part]:
        """Runs the model on a block, slice by slice.

        Raises:
            BadRequest: Some of its records are bad.
            PayloadTooLarge: A record takes too much memory.
            RowsDepend: The rows of the model depend on each other.
        """
        prepared, start = decoded.prepared, 0
        row_bytes = sum(map(input_bytes, prepared.inputs.values())) // max(1, prepared.rows)
        for part, results in self._slices.run(prepared, prepared.rows, row_bytes):
            stop = start + part.rows
            slice_ = Decoded(part, decoded.records[start:stop], decoded.keys[start:stop])
            try:
                encoded = self._encoded(slice_, results)
            except BadRows as error:
                raise error.after(start) from error
            yield encoded
            start = stop

    def _prepared(self, table: Table) -> PreparedRows:
        """Checks rows; records of JSON that stand alone are joined as text, or later as lines."""
        if self._survey is not None:
            prepared = prepare_table(self._model, table.completed(self._survey.names), self._options)
            if self._form.is_json:
                return prepared
            return prepared._replace(joined=self._survey.typed(prepared.joined))
        if not self._alone:
            return prepare_table(self._model, table, self._options)
        if table.rows:
            table = known_columns(table, row_schema(self._model))
        prepared = prepare_table(self._model, table, self._options._replace(join=()))
        if self._form.is_json:
            return prepared
        return prepared._replace(joined=joined_cells(table, self._options.join or ()))

    def _encoded(self, part: Decoded, results: Mapping[str, Tensor]) -> Part:
        prepared, rows = part.prepared, part.prepared.rows
        predictions = _by_key(prepared, results, part.keys)
        if self._form is Format.NPY:
            values = np.ascontiguousarray(results[_only_output(prepared)].values)
            layout = f"{values.dtype.str}:{','.join(map(str, values.shape[1:]))}"
            return Part(values.tobytes(), {}, layout, rows, predictions)
        columns = prepared.columns(results)
        if self._form in TABLES:
            return Part(b"", columns, "", rows, predictions)
        text = self._text(columns, part.records)
        return Part(text, {name: [] for name in columns}, "", rows, predictions)

    def _text(self, columns: Mapping[str, AnswerColumn], records: Sequence[Any]) -> bytes:
        if self._form is Format.CSV:
            return encode_rows(columns, self._options.output._replace(header=False), {})
        rows = encode_json_lines(columns)
        return joined_lines(records, rows, list(columns), self._options.join) if self._spliced else rows

    def _check_key(self, table: Table) -> None:
        if self._key is not None and self._key not in table.columns:
            raise BadRequest(f"the column {self._key!r}, which is the key, is missing")

    def _keys(self, table: Table) -> Sequence[str]:
        if self._key is None or not table.rows:
            return ()
        self._check_key(table)
        column = table.columns[self._key]
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


def _only_output(rows: PreparedRows) -> str:
    if len(rows.specs) != 1 or rows.specs[0].datatype.kind == "bytes":
        names = ", ".join(spec.name for spec in rows.specs)
        raise BadRequest(f".npy holds one array of numbers; choose one of {names} with the option outputs")
    return rows.specs[0].name


def _by_key(part: PreparedRows, results: Mapping[str, Tensor], keys: Sequence[str]) -> Sequence[Prediction]:
    """Makes the predictions to look up; of two with the same key, the later counts."""
    if not keys:
        return ()
    columns = part._replace(form=part.form._replace(format=Format.JSON_LINES)).columns(results)
    lines = encode_json_lines(columns)
    rows = map(orjson.loads, lines.split(b"\n")[:-1])
    labels = labels_of(part.model, part.outputs)
    kept = labels if len(orjson.dumps(labels)) <= _KEPT_LABELS else {}
    return list({key: Prediction(key, row, kept) for key, row in zip(keys, rows, strict=True)}.values())
