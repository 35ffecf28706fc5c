"""Predictions for rows, by models that are Python functions."""

from typing import Any

import numpy as np
import orjson
import pytest
from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded, NotAcceptable, PayloadTooLarge, UnsupportedMediaType
from triptych.inference.request import Served
from triptych.inference.rows import predict_rows
from triptych.models.config import ModelConfig
from triptych.models.model import Model
from triptych.protocol.tensors import Array
from triptych.rows import table
from triptych.rows.options import row_options

from tests.unit.fakes.functions import model_of


def doubler(rows: int = -1, config: ModelConfig | None = None) -> tuple[Model, list[int]]:
    """Makes a model that gives each `x` twice as `y`, and `x` beside its negative as `pair`."""

    def double(arrays: dict[str, Array]) -> dict[str, Array]:
        x = arrays["x"].reshape(-1)
        return {"y": 2 * x, "pair": np.stack([x, -x], axis=1)}

    return model_of(double, {"x": (rows, 1)}, {"y": (rows,), "pair": (rows, 2)}, config)


def predict(model: Model, body: str | bytes, content_type: str | None = "text/csv", **wanted: str) -> Served:
    """Predicts for rows within a minute."""
    body = body.encode() if isinstance(body, str) else body
    return predict_rows(model, body, row_options(content_type, **wanted), Deadline.after(60))


def test_all_rows_are_predicted_in_one_run() -> None:
    """The model runs once on the whole table, and each row gets its outputs."""
    model, runs = doubler()
    answer = predict(model, "x\n1\n2\n")
    assert (b"y,pair_0,pair_1\n2.0,1.0,-1.0\n4.0,2.0,-2.0\n", 2) == (answer.body, answer.rows)
    assert ("text/csv; charset=utf-8", [2]) == (answer.content_type, runs)


@pytest.mark.parametrize(
    ("body", "content_type", "filled"),
    [
        ("x\n1\n2\n", "text/csv", 0),
        ('x,note\n1,\n"",a\n NA ,b\nNaN,\n', "text/csv", 2),
        ('{"x": 1}\n{"x": null}\n{}\n', "application/jsonlines", 2),
        ('{"instances": [[null], [3]]}', "application/json", 1),
    ],
)
def test_missing_cells_of_inputs_are_counted(body: str, content_type: str, filled: int) -> None:
    """Only missing cells of inputs count: not text that says NaN, and not columns that the model ignores."""
    assert filled == predict(doubler()[0], body, content_type).filled


def test_json_instances_are_answered_as_predictions() -> None:
    """Name and version of the model stand beside an object per instance."""
    answer = predict(doubler()[0], '{"instances": [{"x": 1}, [2]]}', "application/json")
    assert {
        "model_name": "doubler",
        "model_version": "3",
        "predictions": [{"y": 2.0, "pair": [1.0, -1.0]}, {"y": 4.0, "pair": [2.0, -2.0]}],
    } == orjson.loads(answer.body)
    assert "application/json" == answer.content_type


def test_times_are_told() -> None:
    """Reading, running and writing each take their time."""
    timings = predict(doubler()[0], "x\n1\n").timings
    assert min(timings.compute_input, timings.compute_infer, timings.compute_output) > 0


@pytest.mark.parametrize(
    ("accept", "content_type", "body"),
    [
        ("application/x-ndjson", "application/x-ndjson", b'{"y":2.0}\n'),
        ("text/csv; header=absent", "text/csv; charset=utf-8; header=absent", b"2.0\n"),
        ("*/*", "text/csv; charset=utf-8", b"y\n2.0\n"),
    ],
)
def test_accept_chooses_the_format_of_the_answer(accept: str, content_type: str, body: bytes) -> None:
    """Any format can be answered in any other."""
    answer = predict(doubler()[0], "x\n1\n", accept=accept, outputs="y")
    assert (content_type, body) == (answer.content_type, answer.body)


def test_parquet_can_go_in_and_out() -> None:
    """What one call answers in Parquet, the next one takes."""
    model, _ = doubler()
    typed = predict(model, "x\n1\n2.5\n", accept="application/x-parquet", join="x", outputs="y")
    again = predict(model, typed.body, typed.content_type, accept="text/csv", join="x,y", outputs="pair")
    assert b"x,y,pair_0,pair_1\n1,2.0,1.0,-1.0\n2.5,5.0,2.5,-2.5\n" == again.body


def test_a_csv_without_header_row_is_answered_without() -> None:
    """The answer is as the request."""
    answer = predict(doubler()[0], "1\n2\n", "text/csv; header=absent", outputs="y")
    assert (b"2.0\n4.0\n", "text/csv; charset=utf-8; header=absent") == (answer.body, answer.content_type)


def test_labels_of_the_model_name_the_columns() -> None:
    """`labels` in `model.toml` name the entries of an output."""
    model, _ = doubler(config=ModelConfig(labels={"pair": ("plus", "minus")}))
    assert b"pair_plus,pair_minus\n1.0,-1.0\n" == predict(model, "x\n1\n", outputs="pair").body


def test_labels_stand_before_json_predictions() -> None:
    """Once for all rows, of the wanted outputs that have some."""
    model, _ = doubler(config=ModelConfig(labels={"pair": ("plus", "minus")}))
    answer = predict(model, b'{"instances": [1]}', "application/json", outputs="y,pair").body
    expected: dict[str, Any] = {"model_name": "doubler", "model_version": "3"}
    pair = {"labels": {"pair": ["plus", "minus"]}, "predictions": [{"y": 2.0, "pair": [1.0, -1.0]}]}
    assert expected | pair == orjson.loads(answer)
    answer = predict(model, b'{"instances": [1]}', "application/json", outputs="y").body
    assert expected | {"predictions": [{"y": 2.0}]} == orjson.loads(answer)


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        ("none", b"y\n2.0\n4.0\n"),
        ("", b"y\n2.0\n4.0\n"),
        ("all", b'id,x,note\xc3\xbc,y\n007,1.00,a b,2.0\n,2,"x,""y""",4.0\n'),
        ("note\u00fc,id", b'note\xc3\xbc,id,y\na b,007,2.0\n"x,""y""",,4.0\n'),
    ],
)
def test_joined_columns_come_back_as_they_were(join: str, expected: bytes) -> None:
    """They stand before the outputs, text for text."""
    body = 'id,x,noteü\n007,1.00,a b\n,2,"x,""y"""\n'
    assert expected == predict(doubler()[0], body, join=join, outputs="y").body


def test_joined_json_values_come_back_as_they_were() -> None:
    """Even objects and arrays, and keys that only some rows have."""
    rows: list[dict[str, Any]] = [{"id": {"a": [1, None]}, "x": 1}, {"id": "b", "x": 2, "more": 1.5}]
    answer = predict(
        doubler()[0], orjson.dumps({"instances": rows}), "application/json", join="all", outputs="y"
    )
    assert [
        {"id": {"a": [1, None]}, "x": 1, "more": None, "y": 2.0},
        {"id": "b", "x": 2, "more": 1.5, "y": 4.0},
    ] == orjson.loads(answer.body)["predictions"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"join": "id"}, "join: unknown column 'id'; the rows have 'x', 'y', 'pair_0'"),
        ({"join": "x,"}, "join: unknown column ''"),
        ({"join": "y"}, "two columns of the answer would be 'y'; choose others"),
        ({"join": "pair_0"}, "two columns of the answer would be 'pair_0'"),
        ({"outputs": "z"}, "unknown output 'z'; the model gives 'y', 'pair'"),
        (
            {"outputs": "pairs"},
            "unknown output 'pairs' \\(did you mean 'pair'\\?\\); the model gives 'y', 'pair'",
        ),
        (
            {"join": "pair_1"},
            "join: unknown column 'pair_1' \\(did you mean 'pair_0'\\?\\); the rows have 'x'",
        ),
        ({"outputs": "y,,"}, "unknown output ''"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(wanted: dict[str, str], message: str) -> None:
    """The message lists what can be had."""
    with pytest.raises(BadRequest, match=message):
        predict(doubler()[0], "x,y,pair_0\n1,2,3\n", **wanted)


def test_a_name_that_an_output_has_can_be_joined_without_that_output() -> None:
    """Only names that would be twice in the answer are refused."""
    assert (
        b"y,pair_0,pair_1\nmine,1.0,-1.0\n"
        == predict(doubler()[0], "x,y\n1,mine\n", join="y", outputs="pair").body
    )


def test_outputs_come_in_the_order_wanted() -> None:
    """`outputs` selects and orders."""
    assert b"pair_0,pair_1,y\n1.0,-1.0,2.0\n" == predict(doubler()[0], "x\n1\n", outputs="pair,y,pair").body


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "expected"),
    [
        ("x\n", "text/csv", "text/csv", b"x,y,pair_0,pair_1\n"),
        ("x", "text/csv", "text/csv; header=absent", b""),
        ("x\n\n", "text/csv", "application/jsonlines", b""),
        (
            '{"instances": []}',
            "application/json",
            "*/*",
            b'{"model_name":"doubler","model_version":"3","predictions":[]}',
        ),
    ],
)
def test_no_rows_are_answered_without_running_the_model(
    body: str, content_type: str, accept: str, expected: bytes
) -> None:
    """The answer has its columns, but no rows."""
    model, runs = doubler()
    answer = predict(model, body, content_type, accept=accept, join="x")
    assert (expected, 0, []) == (answer.body, answer.rows, runs)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        *((body, "text/csv") for body in ("", "\n", "\ufeff")),
        *((body, "text/csv; header=absent") for body in ("", "\r\n")),
        *((body, "application/jsonlines") for body in ("", " \n", "\ufeff\n")),
    ],
)
def test_nothing_at_all_is_refused(body: str, content_type: str) -> None:
    """Neither rows nor a header is no table, in any format of text."""
    with pytest.raises(BadRequest, match="the input is empty: it has neither a record nor a header"):
        predict(doubler()[0], body, content_type)


def test_a_model_for_one_row_runs_row_by_row() -> None:
    """A first dimension of 1 is not refused, it only takes a run per row."""
    model, runs = doubler(rows=1)
    answer = predict(model, "x\n1\n2\n3\n")
    assert (b"y,pair_0,pair_1\n2.0,1.0,-1.0\n4.0,2.0,-2.0\n6.0,3.0,-3.0\n", [1, 1, 1]) == (answer.body, runs)


def test_the_deadline_is_looked_at_between_rows() -> None:
    """Rows after the deadline are not run."""
    model, runs = doubler(rows=1)
    with pytest.raises(DeadlineExceeded, match="predicting row 1 of 2"):
        predict_rows(model, b"x\n1\n2\n", row_options("text/csv"), Deadline.after(-1))
    assert [] == runs


@pytest.mark.parametrize("shape", [(4, 1), (0,)])
def test_a_model_for_a_fixed_number_of_rows_is_refused(shape: tuple[int, ...]) -> None:
    """It has no dimension for rows."""
    model, _ = model_of(lambda arrays: arrays, {"x": shape}, {"y": shape})
    with pytest.raises(BadRequest, match=r"input 'x' of the model has shape .* not for rows; use infer"):
        predict(model, "x\n1\n")


@pytest.mark.parametrize("y", [[1.0], 1.0, [[1.0, 2.0]]])
def test_an_output_that_is_not_per_row_is_refused(y: Any) -> None:  # noqa: ANN401 - of any shape
    """The message names it and says what to do."""
    model, _ = model_of(lambda arrays: {"y": y, "x2": arrays["x"]}, {"x": (-1,)}, {"x2": (-1,), "y": None})
    with pytest.raises(BadRequest, match=r"output 'y' has shape \[.*\], .* each of 2 rows; leave it out"):
        predict(model, "x\n1\n2\n")
    assert b"x2\n1.0\n2.0\n" == predict(model, "x\n1\n2\n", outputs="x2").body


def test_an_output_of_another_shape_for_each_row_is_refused() -> None:
    """Rows that were run one by one must still make a table."""

    def counted(arrays: dict[str, Array]) -> dict[str, Array]:
        return {"y": np.zeros((1, int(arrays["x"][0])), dtype="<f4")}

    model, _ = model_of(counted, {"x": (1,)}, {"y": (1, -1)})
    with pytest.raises(BadRequest, match="output 'y' has another shape for each row"):
        predict(model, "x\n1\n2\n")


def test_joining_a_sparse_table_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that each have keys of their own make a table far larger than they are."""
    monkeypatch.setattr(table, "MAX_CELLS", 100)
    body = b"\n".join(orjson.dumps({"x": 1, f"k{index}": 1}) for index in range(20))
    assert 20 == predict(doubler()[0], body, "application/jsonlines", join="k1,k2").rows
    with pytest.raises(PayloadTooLarge, match="21 columns of 20 rows are more than the 100 cells"):
        predict(doubler()[0], body, "application/jsonlines", join="all")


def test_formats_that_are_not_known_are_refused() -> None:
    """In the request as in the answer."""
    with pytest.raises(UnsupportedMediaType):
        predict(doubler()[0], "x\n1\n", "text/tab-separated-values")
    with pytest.raises(NotAcceptable):
        predict(doubler()[0], "x\n1\n", accept="image/png")
