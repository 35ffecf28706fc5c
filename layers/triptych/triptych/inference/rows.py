"""Inference on rows.

```
body ── decode ──> table ── prepare ──> PreparedRows ── run ──> results ── columns ── encode ──> answer
```
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from triptych.clock import Deadline
from triptych.errors import BadRequest, RowError
from triptych.inference.request import Answer, Served, serve
from triptych.models.model import Model
from triptych.protocol.names import did_you_mean, listing
from triptych.protocol.tensors import FREE, Signature, Tensor, TensorSpec, empty_output, stacked
from triptych.rows.codec import decode_rows, encode_rows
from triptych.rows.formats import RowFormat
from triptych.rows.inputs import model_inputs
from triptych.rows.options import RowOptions
from triptych.rows.outputs import output_columns
from triptych.rows.schema import RowSchema
from triptych.rows.table import AnswerColumn, Column, Table, check_cells


def predict_rows(model: Model, body: bytes, options: RowOptions, deadline: Deadline) -> Served:
    """Runs a model on rows; raises what `prepare_table` does, and `DeadlineExceeded` without an answer."""
    return serve(lambda: prepare_rows(model, body, options), deadline)


def prepare_rows(model: Model, body: bytes, options: RowOptions) -> PreparedRows:
    """Decodes rows and checks them against the model; raises what `prepare_table` does."""
    return prepare_table(model, decode_rows(body, options.input, row_schema(model)), options)


def prepare_table(model: Model, table: Table, options: RowOptions) -> PreparedRows:
    """Checks decoded rows against the model.

    Raises:
        BadRequest: The rows, or what is asked for, are not the model's.
        PayloadTooLarge: The rows take too much memory.
    """
    outputs = wanted_outputs(model, options)
    joined = _joined(table, options.join)
    inputs, filled = model_inputs(table, row_schema(model))
    one_by_one = _takes_one_row(model.signature)
    if table.rows:
        model.signature.check_inputs(_row(inputs, 0) if one_by_one else inputs)
    return PreparedRows(model, inputs, outputs, table.rows, one_by_one, joined, options.output, filled)


class PreparedRows(NamedTuple):
    """Rows that are ready to run; see `Prepared`.

    Attributes:
        inputs: The rows as tensors of shape `[rows, ...]` by name.
        filled: How many missing cells took the value for missing cells; of a slice, those of all its rows.
    """

    model: Model
    inputs: Mapping[str, Tensor]
    specs: Sequence[TensorSpec]
    rows: int
    one_by_one: bool
    joined: Mapping[str, Column]
    form: RowFormat
    filled: int = 0

    @property
    def outputs(self) -> Sequence[str]:
        """Names of the wanted outputs."""
        return [spec.name for spec in self.specs]

    @property
    def is_one_run(self) -> bool:
        """Whether `run` runs the model once: not without rows, nor where it takes them one at a time."""
        return self.rows > 0 and not self.one_by_one

    def slice(self, start: int, stop: int) -> PreparedRows:
        """Returns the request for some of the rows."""
        inputs = {name: tensor.slice(start, stop) for name, tensor in self.inputs.items()}
        joined: dict[str, Column] = {
            name: column[start:stop] if isinstance(column, list) else column.slice(start, stop - start)
            for name, column in self.joined.items()
        }
        return self._replace(inputs=inputs, joined=joined, rows=stop - start)

    def run(self, deadline: Deadline) -> dict[str, Tensor]:
        """Runs the model on all rows: once, once for each, or not at all where there are none."""
        if self.rows == 0:
            return {spec.name: empty_output(spec, _labels(self.model, spec.name)) for spec in self.specs}
        if not self.one_by_one:
            return self._run(self.inputs, self.rows, deadline)
        runs: list[dict[str, Tensor]] = []
        for row in range(self.rows):
            deadline.check(f"predicting row {row + 1} of {self.rows}")
            try:
                runs.append(self._run(_row(self.inputs, row), 1, deadline))
            except RowError as error:
                raise error.after(row) from error
        return {spec.name: _entries(spec, [run[spec.name] for run in runs]) for spec in self.specs}

    def _run(self, inputs: Mapping[str, Tensor], rows: int, deadline: Deadline) -> dict[str, Tensor]:
        results = self.model.run(inputs, self.outputs, deadline)
        for name, tensor in results.items():
            if tensor.shape[:1] != (rows,):
                raise BadRequest(
                    f"output {name!r} has shape {list(tensor.shape)}, which is not an entry for each of "
                    f"{rows} rows; leave it out with outputs=, or use infer"
                )
        return results

    def answer(self, results: Mapping[str, Tensor]) -> Answer:
        """Writes the predicted rows."""
        body = encode_rows(self.columns(results), self.form, envelope_of(self.model, self.outputs))
        return Answer(body, self.form.content_type, filled=self.filled)

    def columns(self, results: Mapping[str, Tensor]) -> dict[str, AnswerColumn]:
        """Returns the columns of the answer, joined ones first; raises `BadRequest` if two have one name."""
        columns: dict[str, AnswerColumn] = {**self.joined}
        for spec in self.specs:
            made = output_columns(spec, results[spec.name], _labels(self.model, spec.name), self.form.format)
            if twice := columns.keys() & made.keys():
                raise BadRequest(
                    f"two columns of the answer would be {min(twice)!r}; choose others with join= or "
                    "outputs=, or rename the column of the rows"
                )
            columns |= made
        return columns


def row_schema(model: Model) -> RowSchema:
    """Returns the columns that a model takes."""
    return RowSchema(model.signature.inputs, model.config.columns, model.config.missing)


def wanted_outputs(model: Model, options: RowOptions) -> Sequence[TensorSpec]:
    """Returns the outputs that go into the answer; raises `BadRequest` if the model has no such output."""
    if not options.outputs:
        return model.signature.outputs
    return [model.signature.output_named(name) for name in options.outputs]


def envelope_of(model: Model, outputs: Iterable[str]) -> Mapping[str, object]:
    """Describes the model of predictions, and the labels of its outputs that have some."""
    described = {"model_name": model.name, "model_version": str(model.version)}
    labels = labels_of(model, outputs)
    return {**described, "labels": labels} if labels else described


def labels_of(model: Model, outputs: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Returns the labels of those outputs that have any."""
    return {name: model.config.labels[name] for name in outputs if name in model.config.labels}


def _joined(table: Table, join: Sequence[str] | None) -> Mapping[str, Column]:
    names = tuple(table.columns) if join is None else join
    check_cells(len(names), table.rows)
    if table.rows == 0 and not table.columns:
        return {name: [] for name in names}
    for name in names:
        if name not in table.columns:
            raise BadRequest(
                f"join: unknown column {name!r}{did_you_mean(name, table.columns)}; "
                f"the rows have {listing(tuple(table.columns))}"
            )
    return {name: table.columns[name] for name in names}


def _labels(model: Model, output: str) -> Sequence[str]:
    return model.config.labels.get(output, ())


def _row(inputs: Mapping[str, Tensor], row: int) -> dict[str, Tensor]:
    return {name: tensor.slice(row, row + 1) for name, tensor in inputs.items()}


def _takes_one_row(signature: Signature) -> bool:
    for spec in signature.inputs:
        if spec.shape is not None and spec.shape[:1] not in ((FREE,), (1,)):
            raise BadRequest(
                f"input {spec.name!r} of the model has shape {list(spec.shape)}, whose first dimension "
                "is not for rows; use infer"
            )
    return any(spec.shape is not None and spec.shape[0] == 1 for spec in signature.inputs)


def _entries(spec: TensorSpec, tensors: Sequence[Tensor]) -> Tensor:
    if len({tensor.shape for tensor in tensors}) > 1:
        raise BadRequest(
            f"output {spec.name!r} has another shape for each row; leave it out with outputs=, or use infer"
        )
    return stacked(tensors)
