"""Rows from file to file: the answers of real time, whatever the chunks."""

import gzip
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from arro3.core import Array, DataType, RecordBatch
from arro3.io import read_parquet, write_parquet
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper
from triptych.clock import Deadline
from triptych.errors import BadRequest, PayloadTooLarge
from triptych.inference import local_file
from triptych.inference.rows import predict_rows
from triptych.inference.slices import Sizes
from triptych.jobs.job import JobRequest
from triptych.models import model as serving_model
from triptych.models.config import ModelConfig
from triptych.models.model import Model
from triptych.protocol.compression import PLAIN_LIMIT

from tests.support.local_files import TINY, sample, tiny, transformed
from tests.support.properties import examples
from tests.support.tiny_models import Shape, identity, model
from tests.unit.fakes.functions import model_of
from tests.unit.test_rows import doubler

LATER = Deadline(math.inf)
CSV = "text/csv"
LINES = "application/jsonlines"
PARQUET = "application/x-parquet"
FORMATS = (CSV, "text/csv; header=absent", LINES, "application/json", PARQUET)
SAMPLES = {name: sample(name) for name in ("penguins", "digits", "recommender")}


def assert_as_in_real_time(model: Model, body: bytes, request: JobRequest, sizes: Sizes = TINY) -> None:
    """Checks that a file has the answer, or the error, that real time gives."""
    try:
        expected = predict_rows(model, body, request.row_options(), LATER)
    except BadRequest as error:
        with pytest.raises(BadRequest, match="^row" if str(error).startswith("row") else "^(?!row)"):
            transformed(model, body, request, sizes=sizes)
        return
    actual = transformed(model, body, request, sizes=sizes)
    assert (expected.content_type, None, expected.filled, expected.rows) == actual[1:]
    if PARQUET in (request.accept or expected.content_type):
        assert table_of(expected.body) == table_of(actual.body)
    else:
        assert expected.body == actual.body


def table_of(body: bytes) -> tuple[list[tuple[str, str]], str]:
    """Reads Parquet: names and types of the columns, and their cells; as text, NaN equals NaN."""
    table = read_parquet(body).read_all().combine_chunks()
    types = [(name, str(kind)) for name, kind in zip(table.schema.names, table.schema.types, strict=True)]
    return types, repr([table[name].to_pylist() for name in table.schema.names])


ROWS = 1200  # many slices of each format

texts = st.text('a ,"\n\r;é', max_size=4)
cells = st.one_of(
    texts, st.integers(-(2**70), 2**70), st.booleans(), st.none(), st.lists(st.integers(0, 9), max_size=2)
)
numbers = st.sampled_from([0, 1, -2.5, 1e6, 0.1, None])


def quoted(cell: str) -> str:
    """Writes a cell of CSV."""
    return '"' + cell.replace('"', '""') + '"'


@examples(150)
@given(
    st.lists(st.tuples(texts, numbers), min_size=1, max_size=12),
    st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    st.sampled_from(FORMATS),
    st.booleans(),
)
def test_csv(rows: list[tuple[str, float | None]], newline: str, accept: str, final: bool) -> None:  # noqa: FBT001 - drawn
    """CSV in chunks of a few bytes is answered as in one piece, in every format."""
    lines = [f"{quoted(text)},{'' if number is None else number}" for text, number in rows]
    body = newline.join(["id,x", *lines]) + (newline if final else "")
    request = JobRequest(CSV, accept=accept, join="id")
    assert_as_in_real_time(doubler()[0], body.encode(), request)


@examples(100)
@given(st.lists(numbers, min_size=0, max_size=12), st.sampled_from(["\ufeff", "", "\n\n"]))
def test_csv_without_header(rows: list[float | None], start: str) -> None:
    """Each chunk of a CSV without header has the columns of the first one."""
    body = start + "".join(f'"{"" if row is None else row}"\n' for row in rows)
    assert_as_in_real_time(doubler()[0], body.encode(), JobRequest("text/csv; header=absent", join="all"))


@examples(200)
@given(
    st.lists(
        st.fixed_dictionaries({"x": numbers}, optional={"id": cells, "é": texts})
        | numbers.map(lambda x: [x]),
        min_size=1,
        max_size=10,
    ),
    st.sampled_from(FORMATS),
    st.sampled_from([None, "all", "id"]),
)
def test_json_lines(rows: list[Any], accept: str, join: str | None) -> None:
    """Keys that only some rows have, and kinds that differ from row to row, are those of all rows."""
    body = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    assert_as_in_real_time(doubler()[0], body, JobRequest(LINES, accept=accept, join=join))


@pytest.mark.parametrize("accept", FORMATS)
@pytest.mark.parametrize("content_type", [CSV, LINES, PARQUET])
@pytest.mark.parametrize("name", SAMPLES)
def test_sample_models(name: str, content_type: str, accept: str) -> None:
    """The sample models answer many rows of any format in any other as in one piece."""
    columns: dict[str, list[Any]] = dict[str, dict[str, list[Any]]](
        {
            "recommender": {"user_id": [index % 900 for index in range(ROWS)]},
            "digits": {
                f"image_{pixel}": [float((row + pixel) % 16) for row in range(ROWS)] for pixel in range(64)
            },
            "penguins": {
                "island": ["Dream", "Biscoe", "Torgersen"] * (ROWS // 3),
                "bill_length_mm": [37.3 + row % 7 for row in range(ROWS)],
                "bill_depth_mm": [16.8 - row % 3 for row in range(ROWS)],
                "flipper_length_mm": [192.0 + row % 11 for row in range(ROWS)],
                "body_mass_g": [3000.0 + row for row in range(ROWS)],
                "sex": ["female", None, "male"] * (ROWS // 3),
                "year": [2007 + row % 3 for row in range(ROWS)],
            },
        }
    )[name]
    body = encoded(columns, content_type)
    request = JobRequest(content_type, accept=accept, join=None if name == "digits" else "all")
    sizes = Sizes(first=2**10, largest=2**14, block=2**12)
    assert_as_in_real_time(SAMPLES[name], body, request, sizes)


def encoded(columns: dict[str, list[Any]], content_type: str) -> bytes:
    """Writes rows."""
    rows = list(zip(*columns.values(), strict=True))
    if content_type == LINES:
        return b"".join(orjson.dumps(dict(zip(columns, row, strict=True))) + b"\n" for row in rows)
    if content_type == CSV:
        lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
        return "\n".join([",".join(columns), *lines]).encode()
    kinds = {str: DataType.utf8(), int: DataType.int64(), float: DataType.float64()}
    arrays = [Array(cells, kinds[type(cells[0])]) for cells in columns.values()]
    file = io.BytesIO()
    write_parquet(RecordBatch.from_arrays(arrays, names=list(columns)), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        (CSV, b"x\n" + b"1\n" * 99 + b"oops\n1\n", "row 100, column 'x': expected a number, got 'oops'"),
        (CSV, b"x\n" + b"1\n\n" * 99 + b"1,2\n1\n", "row 100: expected 1 cells, got 2"),
        (CSV, b"x\n" + b"1\n" * 99 + b"\xff\n", "the body is not UTF-8: byte 200 cannot be read"),
        ("text/csv; header=absent", b"1\n" * 99 + b"1,2\n", "row 100: expected 1 cells, got 2"),
        (LINES, b"[1]\n" * 99 + b"{\n", "row 100 is not valid JSON: "),
        (LINES, b"[1]\n" * 99 + b"[1,2]\n", "row 100: expected as many cells as there are columns"),
        (LINES, b"[1]\n" * 99 + b'["a"]\n', "row 100, column 'x': expected a number, got 'a'"),
    ],
)
def test_errors_tell_the_row_of_the_file(content_type: str, body: bytes, message: str) -> None:
    """Rows and bytes are counted from the beginning of the file."""
    with pytest.raises(BadRequest) as caught:
        transformed(doubler()[0], body, JobRequest(content_type))
    assert str(caught.value).startswith(message)


def test_row_of_parquet_that_cannot_be_read() -> None:
    """Rows of Parquet are counted over all batches."""
    body = encoded({"x": ["1"] * 20_000 + ["oops"]}, PARQUET)
    with pytest.raises(BadRequest, match="row 20001, column 'x': expected a number, got 'oops'"):
        transformed(doubler()[0], body, JobRequest(PARQUET))


@pytest.mark.parametrize("accept", FORMATS)
def test_no_rows(accept: str) -> None:
    """A file without rows is answered without rows."""
    for content_type, body in ((CSV, b"x\n"), (LINES, b""), (PARQUET, encoded({"x": [1.0]}, PARQUET))):
        assert_as_in_real_time(doubler()[0], body, JobRequest(content_type, accept=accept))


@pytest.mark.parametrize("accept", FORMATS)
def test_no_rows_that_come_back(accept: str) -> None:
    """Columns of Parquet without rows come back as in real time."""
    body = encoded({"x": [1.0], "id": [7]}, PARQUET)
    file = io.BytesIO()
    write_parquet(read_parquet(body).read_all().slice(0, 0), file)
    assert_as_in_real_time(doubler()[0], file.getvalue(), JobRequest(PARQUET, accept=accept, join="id"))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (CSV, b",".join(b"%d" % number for number in range(20))),
        (CSV, b"x\n" + b"1\n" * 30 + b"\xef\xbb\xbf2\n"),
        (LINES, b"[1]\n" * 30 + b"\xef\xbb\xbf[2]\n"),
    ],
)
def test_mistakes_of_real_time(content_type: str, body: bytes) -> None:
    """Lost newlines, and byte order marks that do not stand first, are refused with the same words."""
    with pytest.raises(BadRequest) as expected:
        predict_rows(doubler()[0], body, JobRequest(content_type).row_options(), LATER)
    with pytest.raises(BadRequest) as actual:
        transformed(doubler()[0], body, JobRequest(content_type))
    assert str(expected.value) == str(actual.value)


def test_compressed_rows() -> None:
    """Rows are decompressed as they are read, Parquet before."""
    for content_type, body in ((CSV, b"x\n" + b"1\n" * 50), (PARQUET, encoded({"x": [1.0] * 50}, PARQUET))):
        plain = transformed(doubler()[0], body, JobRequest(content_type, accept=CSV))
        packed = transformed(doubler()[0], gzip.compress(body), JobRequest(content_type, "gzip", accept=CSV))
        assert plain == packed


def test_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is taken than a job may have, compressed or not."""
    monkeypatch.setattr(local_file, "MAX_PLAIN", 1000)
    body = b"x\n" + b"1\n" * 1000
    with pytest.raises(PayloadTooLarge, match="the file has more than the 1000 bytes"):
        transformed(doubler()[0], body, JobRequest(CSV))
    with pytest.raises(PayloadTooLarge, match="decompresses to more than 1000 bytes"):
        transformed(doubler()[0], gzip.compress(body), JobRequest(CSV, "gzip"))


def test_json_instances_have_to_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON instances are read as a whole, up to a limit."""
    body = orjson.dumps({"instances": [[float(x)] for x in range(100)]})
    assert_as_in_real_time(doubler()[0], body, JobRequest("application/json"))
    monkeypatch.setattr(PLAIN_LIMIT, "bytes", 100)
    with pytest.raises(PayloadTooLarge, match="not taken as JSON instances; send CSV, JSON Lines or Parquet"):
        transformed(doubler()[0], body, JobRequest("application/json"))


def test_more_values_than_one_answer_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one run may give does not limit the job: slices shrink until they fit."""
    monkeypatch.setattr(serving_model, "MAX_OUTPUT", 3 * 10)
    made, runs = doubler()
    body = b"x\n" + b"1\n" * 500 + b"2\n" * 500
    answer = transformed(made, body, JobRequest(CSV), sizes=Sizes())
    assert (1001, 1000) == (answer.body.count(b"\n"), answer.rows)
    assert 10 >= max(runs[-20:])


def test_one_row_that_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not even one row fits, the error is the model's."""
    monkeypatch.setattr(serving_model, "MAX_OUTPUT", 2)
    with pytest.raises(PayloadTooLarge, match="the model gives 3 values"):
        transformed(doubler()[0], b"x\n1\n2\n", JobRequest(CSV))


def softmax(directory: Path, *, group: bool | None = None) -> Model:
    """Opens a model whose rows depend on each other."""
    nodes = [helper.make_node("Softmax", ["x"], ["y"], axis=0)]
    return tiny(model(nodes, {"x": ("FP32", ["n", 1])}, {"y": ("FP32", ["n", 1])}), directory, group=group)


def test_rows_that_depend_on_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such rows are run as a whole while that fits into memory, and refused beyond."""
    body = "\n".join(["x", *map(str, range(50))]).encode()
    assert_as_in_real_time(softmax(tmp_path), body, JobRequest(CSV))
    assert_as_in_real_time(softmax(tmp_path, group=False), body, JobRequest(CSV))
    monkeypatch.setattr(PLAIN_LIMIT, "bytes", 100)
    with pytest.raises(PayloadTooLarge, match="whose rows depend on each other"):
        transformed(softmax(tmp_path), body, JobRequest(CSV))


def test_rows_that_are_said_not_to_depend(tmp_path: Path) -> None:
    """Where the model's settings say so, nothing is verified."""
    answer = transformed(softmax(tmp_path, group=True), b"x\n" + b"1\n2\n" * 8, JobRequest(CSV))
    assert 16 == answer.rows


def deviations(directory: Path) -> Model:
    """Opens a model that subtracts the mean of all rows, which alike rows do not show."""
    nodes = [
        helper.make_node("ReduceMean", ["x", "rows"], ["mean"]),
        helper.make_node("Sub", ["x", "mean"], ["y"]),
    ]
    column: tuple[str, Shape] = ("FP32", ["n", 1])
    return tiny(model(nodes, {"x": column}, {"y": column}, rows=np.array([0])), directory)


def test_alike_rows_prove_nothing(tmp_path: Path) -> None:
    """Rows are compared where they differ: those before may all be the same, and agree."""
    body = b"x\n" + b"1\n" * 300 + b"7\n" * 30
    assert_as_in_real_time(deviations(tmp_path), body, JobRequest(CSV), Sizes(first=256, largest=1024))


@pytest.mark.parametrize("accept", [CSV, LINES])
def test_columns_that_change(accept: str) -> None:
    """An output with other columns for later rows is refused where each entry is a column."""
    made, _ = model_of(
        lambda arrays: {"y": np.ones((len(arrays["x"]), int(arrays["x"].max())), "<f4")},
        {"x": (-1, 1)},
        {"y": (-1, -1)},
        ModelConfig(group=True),
    )
    body, request = b"x\n" + b"2\n" * 9 + b"3\n" * 9, JobRequest(CSV, accept=accept)
    if accept == CSV:
        with pytest.raises(BadRequest, match="2 columns for some records and 3 columns for others; leave"):
            transformed(made, body, request)
    else:
        assert 18 == transformed(made, body, request).rows


def test_lists_of_other_lengths(tmp_path: Path) -> None:
    """Lists have the same length in all rows, in whatever chunk they are."""
    made = tiny(identity("FP32", ["n", "k"]), tmp_path)
    body = b'{"x":[1,2]}\n' * 20 + b'{"x":[1,2,3]}\n'
    with pytest.raises(BadRequest, match=r"row 21: input 'x' has shape \[3\], expected \[2\]"):
        transformed(made, body, JobRequest(LINES))


@pytest.mark.parametrize("accept", [CSV, PARQUET])
@pytest.mark.parametrize("content_type", [CSV, LINES])
def test_cancelled(content_type: str, accept: str) -> None:
    """What the checkpoint raises between two slices comes out as it is, in every format."""
    calls = [None, None]
    body = b"x\n" + b"1\n2\n" * 50 if content_type == CSV else b'{"x":1}\n' * 50
    with pytest.raises(IndexError):
        transformed(doubler()[0], body, JobRequest(content_type, accept=accept), checkpoint=calls.pop)
