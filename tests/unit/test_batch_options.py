"""Options of batches: what each may be, who counts before whom, and what is told of what is wrong."""

import pytest
from hypothesis import given
from triptych.errors import BadRequest
from triptych.rows.formats import Format, RowFormat
from triptych.rows.options import (
    BatchOptions,
    answer_form,
    input_form,
    merged,
    metadata_options,
    read_options,
    resolved,
)

from tests.support.batch_strategies import FORMS, OPTIONS

CSV = RowFormat(Format.CSV)
ALL = BatchOptions(
    join="all",
    outputs="label,score",
    format=Format.JSON_LINES,
    key="id",
    lookup=True,
    tolerance=0.1,
    header=False,
    delimiter=";",
)


def test_typed() -> None:
    """JSON and TOML say numbers and flags as such."""
    said = {**ALL._asdict(), "format": "jsonl"}
    assert ALL == read_options(said)


def test_texts() -> None:
    """User metadata says everything in text; what else it holds is not looked at."""
    metadata = {
        "join": "all",
        "outputs": "label,score",
        "format": "jsonl",
        "key": "id",
        "lookup": "true",
        "tolerance": "0.1",
        "header": "absent",
        "delimiter": ";",
        "uploaded-by": "somebody",
    }
    assert ALL == metadata_options(metadata)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("tolerance", 0, 0.0),
        ("tolerance", "1", 1.0),
        ("tolerance", ".5", 0.5),
        ("header", "present", True),
        ("header", "false", False),
        ("header", True, True),
        ("lookup", "false", False),
        ("delimiter", "tab", "\t"),
        ("delimiter", "\t", "\t"),
        ("delimiter", "\\t", "\t"),
        ("format", "npy", Format.NPY),
    ],
)
def test_values(name: str, value: object, expected: object) -> None:
    """A value may be said in more than one way."""
    read = getattr(read_options({name: value}), name)
    assert (expected, type(expected)) == (read, type(read))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("tolerance", "half", "expected a number from 0 to 1, got 'half'"),
        ("tolerance", "", "expected a number from 0 to 1, got ''"),
        ("tolerance", ".", "expected a number from 0 to 1, got '.'"),
        ("tolerance", "1.01", "expected a number from 0 to 1, got '1.01'"),
        ("tolerance", -0.1, "expected a number from 0 to 1, got '-0.1'"),
        ("tolerance", float("nan"), "expected a number from 0 to 1, got 'nan'"),
        ("tolerance", True, "expected a number from 0 to 1, got 'True'"),
        ("lookup", "yes", "expected true or false, got 'yes'"),
        ("lookup", 1, "expected true or false, got '1'"),
        ("header", "none", "expected present or absent, got 'none'"),
        ("delimiter", ",,", "expected one mark"),
        ("delimiter", '"', "expected one mark"),
        ("delimiter", "a", "expected one mark"),
        ("delimiter", "\n", "expected one mark"),
        ("format", "csv.gz", "expected one of csv, jsonl, json, parquet, arrow, npy, got 'csv.gz'"),
        ("format", ["csv"], "expected one of csv"),
        ("join", "", "expected 1 to 4096 characters, got ''"),
        ("join", ["a"], "expected 1 to 4096 characters"),
        ("key", None, "expected 1 to 4096 characters, got 'None'"),
        ("outputs", "x" * 5000, "expected 1 to 4096 characters"),
    ],
)
def test_wrong_values(name: str, value: object, message: str) -> None:
    """A wrong value is refused: the message says where it stands, what it may be and what it is."""
    with pytest.raises(BadRequest) as caught:
        read_options({name: value}, "options.")
    assert str(caught.value).startswith(f"options.{name}: {message}")


def test_place_in_metadata() -> None:
    """User metadata is named as the caller of S3 writes it."""
    with pytest.raises(BadRequest) as caught:
        metadata_options({"tolerance": "half"})
    assert "x-amz-meta-tolerance: expected a number from 0 to 1, got 'half'" == str(caught.value)


def test_unknown() -> None:
    """Options that are none are refused where only options can stand."""
    with pytest.raises(BadRequest, match=r"unknown option 'options\.colour'; options are join, outputs"):
        read_options({"colour": "blue"}, "options.")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("jion", "join"), ("headers", "header"), ("look-up", "lookup"), ("fromat", "format"), ("keys", "key")],
)
def test_misspelt_metadata(name: str, meant: str) -> None:
    """Metadata that is nearly an option is refused, and the option named."""
    with pytest.raises(BadRequest) as caught:
        metadata_options({name: "x", "join": "all"})
    message = f"unknown option 'x-amz-meta-{name}' (did you mean '{meant}'?); options are join,"
    assert str(caught.value).startswith(message)


def test_metadata_said_twice() -> None:
    """Whoever writes the header's prefix, which the client adds by itself, is told so."""
    with pytest.raises(BadRequest, match="unknown option 'x-amz-meta-x-amz-meta-join'; options are join"):
        metadata_options({"x-amz-meta-join": "all"})


def test_foreign_metadata() -> None:
    """What tools add by themselves says nothing about options."""
    foreign = (
        *("s3cmd-attrs", "mtime", "md5chksum", "uid", "mode", "sha256", "user-agent-id", "file-permissions"),
        *("x-amz-key-v2", "x-amz-matdesc", "cb-modifiedtime", "hdi_isfolder", "goog-reserved-file-mtime"),
        *("origin", "job-id", "key-id", "format-version", "output-prefix", "created-by", "description"),
    )
    assert BatchOptions(join="all") == metadata_options({**dict.fromkeys(foreign, "x"), "join": "all"})


@given(OPTIONS, OPTIONS)
def test_later_ones_count(first: BatchOptions, second: BatchOptions) -> None:
    """Of two who say something the later one counts; who says nothing leaves it to the other."""
    expected = [one if other is None else other for one, other in zip(first, second, strict=True)]
    assert expected == list(merged(first, second))
    assert first == merged(first, BatchOptions()) == merged(BatchOptions(), first) == merged(first, first)


def test_defaults() -> None:
    """Where nobody says anything the predictions come alone, in the input's format."""
    form = RowFormat(Format.PARQUET)
    expected = BatchOptions("none", None, Format.PARQUET, "id", False, 1.0, True, ",")
    assert expected == resolved(BatchOptions(), form, "id")
    assert None is resolved(BatchOptions(), form, None).key


@given(OPTIONS, FORMS)
def test_resolved(options: BatchOptions, form: RowFormat) -> None:
    """Whatever was said stays, and everything else but outputs is filled."""
    filled = resolved(options, form, "id")
    assert filled == merged(filled, options)
    assert {name for name, value in filled._asdict().items() if value is None} <= {"outputs"}


def test_lookup_needs_a_key() -> None:
    """Predictions cannot be looked up by nothing."""
    with pytest.raises(BadRequest, match="lookup: expected a key as well"):
        resolved(BatchOptions(lookup=True), CSV, None)


def test_forms() -> None:
    """How files are written follows from the input's name and the options; outputs are never compressed."""
    form = RowFormat(Format.CSV, "gzip")
    options = resolved(BatchOptions(header=False, delimiter="\t"), form, None)
    assert RowFormat(Format.CSV, "gzip", header=False, delimiter="\t") == input_form(form, options)
    assert RowFormat(Format.CSV, None, header=False, delimiter="\t") == answer_form(form, options)
    parquet = options._replace(format=Format.PARQUET)
    assert Format.PARQUET is answer_form(form, parquet).format
