"""`{"inputs": ..., "parameters": ...}` in `predict`, answered as the pipelines of Transformers do.

Callers of the Hugging Face toolkit of SageMaker send it: a text, a dict such as question and context, or a
list of them. They are rows; the answer is one entry for each, or the entry of the only one.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from triptych.clock import Deadline
from triptych.errors import BadField, BadRequest, NotAcceptable, PayloadTooLarge
from triptych.http.fields import whole_number
from triptych.inference.request import Answer
from triptych.inference.rows import PreparedRows, prepare_table, row_schema
from triptych.models.model import Model
from triptych.protocol.json_document import MAX_JSON, dump, json_type, parse_object
from triptych.protocol.media_types import JSON
from triptych.protocol.names import check_known
from triptych.protocol.tensors import Tensor
from triptych.rows.formats import Format, RowFormat
from triptych.rows.json_lines import table_of_records
from triptych.rows.options import RowOptions
from triptych.rows.table import Column, Table

_TOP_K, _LABELS = "top_k", "candidate_labels"

_PARAMETERS: Mapping[str, Sequence[str]] = {
    "feature-extraction": (),
    "image-classification": (_TOP_K,),
    "image-feature-extraction": (),
    "object-detection": (),
    "question-answering": (),
    "text-classification": (_TOP_K,),
    "text-ranking": (),
    "token-classification": ("aggregation_strategy",),
    "zero-shot-classification": (_LABELS, "hypothesis_template", "multi_label"),
}
"""Parameters by task."""

_SETTINGS: Mapping[str, tuple[str, object]] = {
    "aggregation_strategy": ("aggregation", "simple"),
    "hypothesis_template": ("hypothesis", "This example is {}."),
    "multi_label": ("multi_label", False),
}
"""Parameters that the model has for all requests: their keys in `[task]` of `model.toml`, and defaults."""

_IMAGE_CLASSES = 5
"""Classes of an image that come back by default."""

type Row = Mapping[str, Any]
"""The outputs of a task for one row, by name."""


def pipeline_message(body: bytes, options: RowOptions) -> dict[str, Any] | None:
    """Returns the message in a JSON body of `predict`, if it is one for a pipeline and not one of rows.

    Raises:
        BadRequest: The body is not JSON.
        NotAcceptable: It is one, and the answer is to be something else than JSON.
        PayloadTooLarge: It is more than can be read at once.
    """
    message = parse_object(body)
    if "inputs" not in message or "instances" in message:
        return None
    if options.output.format is not Format.JSON:
        raise NotAcceptable("the answer to 'inputs' is JSON; send {\"instances\": [...]} for another format")
    if options.join != () or options.outputs:
        raise BadRequest("join and outputs are for {\"instances\": [...]}; 'inputs' have 'parameters'")
    return message


def prepare_pipeline(model: Model, message: Mapping[str, Any]) -> PreparedPipeline:
    """Makes rows of a message, and checks them against the model.

    Raises:
        BadRequest: The message, or what is asked for, is not for the task of the model.
        PayloadTooLarge: There is more than can be read at once.
    """
    check_known(message, ("inputs", "parameters"), "field")
    task, inputs = model.signature.task, message["inputs"]
    if _holds_tensors(inputs):
        raise BadField("inputs", f"tensors go to POST /v2/models/{model.name}/infer")
    if task not in _PARAMETERS:
        raise BadField("inputs", f'{model.name!r} has no task; send rows as {{"instances": [...]}}')
    parameters = _parameters(model, message.get("parameters"))
    is_one = not isinstance(inputs, list)
    table = table_of_records(_records(model, [inputs] if is_one else inputs), row_schema(model))
    if _LABELS in parameters:
        table = _with_labels(table, parameters[_LABELS])
    json = RowFormat(Format.JSON)
    rows = prepare_table(model, table, RowOptions(json, json))
    return PreparedPipeline(rows, is_one, isinstance(inputs, str), parameters)


class PreparedPipeline(NamedTuple):
    """Rows of a pipeline that are ready to run; see `Servable`.

    Attributes:
        prepared: The rows.
        is_one: Whether the answer is about one row, and no list.
        is_text: Whether that row is a text.
        parameters: What `parameters` says.
    """

    prepared: PreparedRows
    is_one: bool
    is_text: bool
    parameters: Mapping[str, Any]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.prepared.rows

    def run(self, deadline: Deadline) -> dict[str, Tensor]:
        """Runs the task on all rows."""
        return self.prepared.run(deadline)

    def answer(self, results: Mapping[str, Tensor]) -> Answer:
        """Writes what the pipeline of the task returns."""
        columns = self.prepared.columns(results)
        cells = zip(*columns.values(), strict=True)
        entries = [
            self._entry(dict(zip(columns, row, strict=True)), index) for index, row in enumerate(cells)
        ]
        return Answer(dump(entries[0] if self.is_one else entries), JSON)

    def _entry(self, row: Row, index: int) -> object:
        match self.prepared.model.signature.task:
            case "text-classification":
                return self._text_classes(row)
            case "image-classification":
                return self._classes(row)[: self.parameters.get(_TOP_K, _IMAGE_CLASSES)]
            case "zero-shot-classification":
                text = self.prepared.inputs["text"].values[index]
                return {"sequence": text, "labels": [*row["scores"]], "scores": [*row["scores"].values()]}
            case "question-answering" | "text-ranking":
                return row
            case _:  # one output: entities, objects, an embedding
                return next(iter(row.values()))

    def _text_classes(self, row: Row) -> object:
        classes = self._classes(row)
        if _TOP_K in self.parameters:
            return classes[: self.parameters[_TOP_K]]
        return classes[:1] if self.is_text else classes[0]  # as the pipeline: of one text a list

    def _classes(self, row: Row) -> list[dict[str, Any]]:
        """Returns label and score of each class, the best first."""
        scores = np.atleast_1d(row["scores"])
        labels = self.prepared.model.config.labels["scores"]
        best = np.argsort(-scores, kind="stable").tolist()
        return [{"label": labels[index], "score": scores[index]} for index in best]


def _records(model: Model, inputs: list[Any]) -> list[Any]:
    """Returns rows of which a text stands for the first input."""
    if None in inputs:
        raise BadField("inputs", "expected text, an object such as question and context, or a list, got null")
    first = model.signature.inputs[0].name
    return [{first: each} if isinstance(each, str) else each for each in inputs]


def _holds_tensors(inputs: object) -> bool:
    return isinstance(inputs, list) and any(isinstance(each, dict) and "datatype" in each for each in inputs)


def _parameters(model: Model, value: object) -> Mapping[str, Any]:
    """Returns the parameters of a message.

    Raises:
        BadRequest: The task has no such parameter, or the model another setting.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadField("parameters", f"expected an object, got {json_type(value)}")
    check_known(value, _PARAMETERS[model.signature.task], "parameter", "parameters.")
    for name, (key, default) in _SETTINGS.items():
        own = getattr(model.config.task, key)
        own = default if own is None else own
        if name in value and value[name] != own:
            raise BadField(
                f"parameters.{name}",
                f"the model has {own!r}; to change it for all requests, set {key} under [task] in model.toml",
            )
    whole_number(value, _TOP_K, "parameters.")
    return value


def _with_labels(table: Table, labels: object) -> Table:
    """Adds the candidate labels of a message to each of its rows.

    Raises:
        BadField: They are something else.
        PayloadTooLarge: They are more than JSON that has them in each row may be.
    """
    if not isinstance(labels, str | list):
        raise BadField("parameters.candidate_labels", f"expected an array of texts, got {json_type(labels)}")
    text = labels if isinstance(labels, str) else dump(labels).decode()
    if len(text) * table.rows > MAX_JSON:
        raise PayloadTooLarge(
            f"candidate_labels of {len(text)} characters for {table.rows} texts are more than is taken at "
            "once; send fewer texts"
        )
    columns = cast("dict[str, Column]", table.columns)
    return Table(ChainMap({_LABELS: [text] * table.rows}, columns), table.rows)
