"""Files that are transformed: what comes out does not depend on how they are cut."""

import io

import numpy as np
import orjson
import pytest
from arro3.core import Table as ArrowTable
from arro3.io import read_ipc, read_parquet, write_ipc, write_parquet
from hypothesis import given
from hypothesis import strategies as st
from triptych.clock import Deadline
from triptych.errors import BadRequest
from triptych.inference.piece import Counts
from triptych.inference.rows import predict_rows
from triptych.inference.slices import Sizes
from triptych.models.config import ModelConfig
from triptych.protocol.tensors import Array
from triptych.rows.formats import Format, RowFormat
from triptych.rows.options import row_options
from triptych.rows.records import CsvRecords

from tests.support.local_files import sample
from tests.support.pieces import Wanted, made
from tests.support.properties import examples
from tests.unit.fakes.functions import model_of

PENGUINS = sample("penguins")
DIGITS = sample("digits")
CSV, LINES = RowFormat(Format.CSV), RowFormat(Format.JSON_LINES)
HEAD = b"island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year,note\n"
GOOD = b"Torgersen,39.1,18.7,181,3750,male,2007,%s\n"
NOTES = st.sampled_from(
    [b"", b"plain", b'"a,b"', b'"line\nbreak"', b'"say ""hi"""', "é日".encode(), b'5" pipe']
)
ROWS = st.one_of(
    NOTES.map(lambda note: GOOD % note),
    NOTES.map(lambda note: (GOOD % note).replace(b"\n", b"\r\n") if b"\n" not in note[:-1] else GOOD % note),
    st.just(b"Biscoe,,NA,,,,,x\n"),
    st.just(b"Dream,tall,18.7,181,3750,male,2007,bad\n"),
    st.just(b"too,few\n"),
    st.just(b"\n"),
)


def answer(body: bytes, accept: str, join: str | None = None) -> bytes:
    """Predicts as real time does."""
    return predict_rows(PENGUINS, body, row_options("text/csv", accept, join), Deadline.after(60)).body


@examples(60)
@given(st.lists(ROWS, max_size=30), st.data())
def test_csv_is_the_same_however_it_is_cut(rows: list[bytes], data: st.DataObject) -> None:
    """Pieces that are joined are the file in one piece, and its good rows are what real time predicts."""
    text = HEAD + b"".join(rows)
    ends = [len(HEAD)]
    for record in CsvRecords().split(b"".join(rows)):
        ends.append(ends[-1] + len(record))
    ends[-1] = len(text)
    kept = data.draw(st.sets(st.sampled_from(ends)))
    cuts = sorted({len(HEAD), len(text), *kept})
    wanted = Wanted(CSV, join="all", outputs="species")
    whole = made(PENGUINS, text, CSV, wanted)
    cut = made(PENGUINS, text, CSV, wanted, cuts=cuts if len(cuts) > 1 else [len(text)] * 2, head_row=HEAD)
    assert whole.output == cut.output
    assert whole.errors == cut.errors
    assert whole.counts == cut.counts
    bad = sum(row.startswith((b"Dream", b"too")) for row in rows)
    blank = rows.count(b"\n")
    good = HEAD + b"".join(row for row in rows if not row.startswith((b"Dream", b"too")))
    expected = predict_rows(
        PENGUINS, good, row_options("text/csv", None, "all", "species"), Deadline.after(60)
    )
    assert expected.body == whole.output
    assert Counts(len(rows) - blank, len(rows) - blank - bad, bad, expected.filled) == whole.counts


def test_records_beside_a_bad_one_stay_as_they_are() -> None:
    """Records are taken apart where one of them is bad; no letter of the others gets lost."""
    rows = [GOOD % b"XX", b"Dream,tall,18.7,181,3750,male,2007,bad\n", GOOD % b'"X"', GOOD % b"rn"]
    wanted = Wanted(CSV, join="note", outputs="species")
    output = made(PENGUINS, HEAD + b"".join(rows), CSV, wanted).output
    assert [b"note", b"XX", b"X", b"rn"] == [line.split(b",")[0] for line in output.splitlines()]


def test_errors_tell_record_reason_and_input() -> None:
    """A bad record is told with its number, why, and as it stands."""
    text = (
        HEAD + GOOD % b"" + b"\n" + b'Dream,tall,18.7,181,3750,male,2007,"a\nb"\n' + b"too,few\n" + GOOD % b""
    )
    told = made(PENGUINS, text, CSV, Wanted(CSV))
    assert [
        {
            "record": 2,
            "reason": "column 'bill_length_mm': expected a number, got 'tall'",
            "input": 'Dream,tall,18.7,181,3750,male,2007,"a\nb"',
        },
        {"record": 3, "reason": "expected 8 cells, got 2", "input": "too,few"},
    ] == told.errors
    assert Counts(4, 2, 2) == told.counts


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"a,b\n1,2\n", "missing column 'island'"),
        (b"a,a\n1,2\n", "column 'a' is there twice"),
    ],
)
def test_files_that_are_wrong_as_a_whole(body: bytes, message: str) -> None:
    """What no record can mend is refused at once."""
    with pytest.raises(BadRequest, match=message):
        made(PENGUINS, body, CSV, Wanted(CSV))


def test_no_rows() -> None:
    """A file with a header and no rows has an output with a header and no rows."""
    assert answer(HEAD, "text/csv") == made(PENGUINS, HEAD, CSV, Wanted(CSV)).output


LINE = {
    "island": "Dream",
    "bill_length_mm": 40.5,
    "bill_depth_mm": 17.9,
    "flipper_length_mm": 187,
    "year": 2008,
}


@examples(40)
@given(
    st.lists(
        st.sampled_from(
            [
                orjson.dumps({**LINE, "id": 1}),
                orjson.dumps({**LINE, "extra": {"a": [1]}}),
                orjson.dumps({"island": "Biscoe"}),
                orjson.dumps({"other": 1}),
                b"{not json",
                b"[1]",
                orjson.dumps({**LINE, "year": "x"}),
            ]
        ),
        max_size=12,
    ),
    st.data(),
)
def test_lines_are_the_same_however_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    """No record of JSON Lines is read or joined otherwise because of those beside it."""
    text = b"".join(line + b"\n" for line in lines)
    ends = [0]
    for line in lines:
        ends.append(ends[-1] + len(line) + 1)
    cuts = sorted({0, len(text), *data.draw(st.sets(st.sampled_from(ends)))})
    wanted = Wanted(LINES, join="all", outputs="species")
    whole = made(PENGUINS, text, LINES, wanted)
    cut = made(PENGUINS, text, LINES, wanted, cuts=cuts if len(cuts) > 1 else [0, 0])
    assert whole == cut._replace(pieces=1)
    good = [line for line in lines if b'"year":2008' in line or b"Biscoe" in line]
    assert len(good) == whole.counts.written == whole.output.count(b"\n")
    for line, row in zip(good, whole.output.splitlines(), strict=True):
        assert orjson.loads(line).items() <= orjson.loads(row).items()


@pytest.mark.parametrize("source", [CSV, RowFormat(Format.PARQUET)])
def test_slices_grow_with_rows_alone(source: RowFormat) -> None:
    """The header of a file, which has no bytes of inputs, does not tell how large slices of it may be."""
    config = ModelConfig(group=True)
    model, runs = model_of(lambda arrays: {"y": arrays["x"]}, {"x": (-1, 1)}, {"y": (-1, 1)}, config)
    body, cuts = b"x\n" + b"1\n" * 60, None
    if source.format is Format.PARQUET:
        file = io.BytesIO()
        write_parquet(ArrowTable.from_pydict({"x": np.ones(60, "<f4")}), file)
        body, cuts = file.getvalue(), [0, 60]
    made(model, body, source, Wanted(CSV), cuts=cuts, sizes=Sizes(first=16, largest=64, block=2**20))
    assert [4, 8, 16, 16, 16] == runs


@pytest.mark.parametrize("kind", [Format.PARQUET, Format.ARROW])
def test_two_columns_of_a_name_fail_a_table(kind: Format) -> None:
    """A table with two columns of one name fails, as CSV does, instead of losing one of them."""
    model, _ = model_of(lambda arrays: {"y": arrays["x"]}, {"x": (-1, 1)}, {"y": (-1, 1)})
    column = np.ones(2, "<f4")
    table = ArrowTable.from_arrays([column, column], names=["x", "x"])
    file = io.BytesIO()
    {Format.PARQUET: write_parquet, Format.ARROW: write_ipc}[kind](table, file)
    with pytest.raises(BadRequest, match="column 'x' is there twice"):
        made(model, file.getvalue(), RowFormat(kind), Wanted(CSV), cuts=[0, 2])


def test_bad_records_of_later_slices() -> None:
    """A record that cannot be joined is the one that is set apart, in whatever slice of a block it is."""
    lines = [orjson.dumps({**LINE, "id": number}) for number in range(40)]
    lines[30] = orjson.dumps({**LINE, "species": "x"})
    sizes = Sizes(first=64, largest=128, block=2**20)
    wanted = Wanted(LINES, join="all", outputs="species")
    whole = made(PENGUINS, b"\n".join(lines), LINES, wanted, sizes=sizes)
    assert [31] == [error["record"] for error in whole.errors]
    assert [number for number in range(40) if number != 30] == [
        orjson.loads(row)["id"] for row in whole.output.splitlines()
    ]


def test_a_chosen_column_that_is_predicted_as_well() -> None:
    """A column that would be there twice is refused for each record, also for one that lacks it."""
    wanted = Wanted(LINES, join="species", outputs="species")
    whole = made(PENGUINS, orjson.dumps(LINE), LINES, wanted)
    (error,) = whole.errors
    assert error["reason"] == "two columns of the answer would be 'species'; choose others with join"


@pytest.mark.parametrize("target", [Format.PARQUET, Format.ARROW, Format.NPY])
def test_other_formats_in_pieces(target: Format) -> None:
    """Formats that have a frame hold the same rows, in one piece or in three."""
    rows = [GOOD % str(number).encode() for number in range(30)]
    text = HEAD + b"".join(rows)
    cuts = [len(HEAD), len(HEAD) + len(rows[0]), len(HEAD) + sum(map(len, rows[:11])), len(text)]
    wanted = Wanted(RowFormat(target), outputs="probabilities")
    whole = made(PENGUINS, text, CSV, wanted)
    cut = made(PENGUINS, text, CSV, wanted, cuts=cuts, head_row=HEAD)
    expected = orjson.loads(answer(text, "application/json"))
    probabilities = [row["probabilities"] for row in expected["predictions"]]
    for output in (whole.output, cut.output):
        np.testing.assert_allclose(np.array(probabilities, "f4"), _read(output, target), rtol=1e-6)


def _read(output: bytes, form: Format) -> Array:
    if form is Format.NPY:
        loaded: Array = np.load(io.BytesIO(output))
        return loaded
    reader = read_parquet(io.BytesIO(output)) if form is Format.PARQUET else read_ipc(io.BytesIO(output))
    return np.array(ArrowTable.from_batches(list(reader))["probabilities"].to_pylist(), "f4")


def test_arrays() -> None:
    """Rows of .npy are what the model takes, whatever their number type."""
    images = np.random.default_rng(1).integers(0, 17, (9, 8, 8)).astype("i2")
    file = io.BytesIO()
    np.save(file, images)
    wanted = Wanted(RowFormat(Format.NPY), outputs="digit")
    whole = made(DIGITS, file.getvalue(), RowFormat(Format.NPY), wanted, cuts=[0, 9])
    cut = made(DIGITS, file.getvalue(), RowFormat(Format.NPY), wanted, cuts=[0, 2, 3, 9])
    assert whole.output == cut.output
    assert (9,) == np.load(io.BytesIO(whole.output)).shape


def test_documents() -> None:
    """Instances of a JSON document come back as predictions of one, without the bad ones."""
    instances = [{**LINE, "year": year} for year in (2007, "x", 2009)]
    text = orjson.dumps({"instances": instances})
    form = RowFormat(Format.JSON)
    whole = made(PENGUINS, text, form, Wanted(form, outputs="species"))
    document = orjson.loads(whole.output)
    assert ("penguins", "1") == (document["model_name"], document["model_version"])
    assert [{"species": "Adelie"}] * 2 == document["predictions"]
    assert [2] == [error["record"] for error in whole.errors]


def test_predictions_by_key() -> None:
    """Rows are handed over by key, with lists where a row of CSV has a column for each entry."""
    text = HEAD + b"".join(GOOD % key for key in (b"k1", b"", b"k2"))
    whole = made(PENGUINS, text, CSV, Wanted(CSV, key="note"))
    assert ["k1", "k2"] == [prediction.key for prediction in whole.predictions]
    assert {"species", "probabilities"} == set(whole.predictions[0].row)
    assert {"probabilities": ("Adelie", "Chinstrap", "Gentoo")} == whole.predictions[0].labels
    assert ["the key is missing"] == [error["reason"] for error in whole.errors]


def test_many_labels_are_not_kept_with_each_prediction() -> None:
    """They would make every write larger."""
    labels = {"probabilities": ("Adelie", "Chinstrap", "G" * 300)}
    model = PENGUINS._replace(config=PENGUINS.config._replace(labels=labels))
    (prediction,) = made(model, HEAD + GOOD % b"k1", CSV, Wanted(CSV, key="note")).predictions
    assert ({}, 3) == (prediction.labels, len(prediction.row["probabilities"]))
