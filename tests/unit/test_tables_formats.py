"""Formats of rows in Content-Type and Accept headers."""

import pytest
from triptych.errors import NotAcceptable, UnsupportedMediaType
from triptych.rows.formats import Format, RowFormat, answer_format, request_format
from triptych.rows.options import row_options

CSV = RowFormat(Format.CSV, media_type="text/csv")
BARE_CSV = RowFormat(Format.CSV, media_type="text/csv", header=False)
NDJSON = RowFormat(Format.JSON_LINES, media_type="application/x-ndjson")
JSON = RowFormat(Format.JSON, media_type="application/json")
PARQUET = RowFormat(Format.PARQUET, media_type="application/x-parquet")


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/csv", CSV),
        ("Text/CSV; Charset=UTF-8; header=present", CSV),
        ('text/csv; charset="utf-8"', CSV),
        ("text/csv;header=absent", BARE_CSV),
        ("text/csv; header=perhaps", CSV),
        ("application/x-ndjson", NDJSON),
        ("application/jsonlines", RowFormat(Format.JSON_LINES, media_type="application/jsonlines")),
        ("application/json; charset=us-ascii", JSON),
        ("application/x-parquet; charset=latin-1", PARQUET),
        (
            "application/vnd.apache.parquet",
            RowFormat(Format.PARQUET, media_type="application/vnd.apache.parquet"),
        ),
    ],
)
def test_the_content_type_names_the_format(content_type: str, expected: RowFormat) -> None:
    """A known media type is read, whatever its case and parameters."""
    assert expected == request_format(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        *(None, "", "text/plain", "multipart/form-data; boundary=x", ";;;", "csv"),
        *(*Format.ARROW.media_types, *Format.NPY.media_types),
    ],
)
def test_an_unknown_content_type_is_refused_with_what_is_read(content_type: str | None) -> None:
    """The message lists the media types."""
    with pytest.raises(UnsupportedMediaType, match="send one of text/csv, application/jsonlines"):
        request_format(content_type)


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", ""])
def test_only_utf8_is_read(charset: str) -> None:
    """Text in another encoding is refused rather than misread."""
    with pytest.raises(UnsupportedMediaType, match="send UTF-8"):
        request_format(f"text/csv; charset={charset}")


@pytest.mark.parametrize(
    ("accept", "request_form", "expected"),
    [
        (None, NDJSON, NDJSON),
        (" ", PARQUET, PARQUET),
        ("*/*", PARQUET, PARQUET),
        ("application/*", NDJSON, NDJSON),
        ("text/*", NDJSON, CSV),
        ("application/json", CSV, JSON),
        ("application/json, */*", CSV, JSON),
        ("*/*;q=0.1, application/json;q=0.1", CSV, JSON),
        ("application/json;q=0.5, text/csv;q=0.9", JSON, CSV),
        ("*/*, text/csv;q=0", CSV, RowFormat(Format.JSON_LINES, media_type="application/jsonlines")),
        ("image/png, application/x-parquet;q=0.001", CSV, PARQUET),
        ("application/json;q=oops, text/csv;q=0.2", JSON, CSV),
        ("text/csv", BARE_CSV, BARE_CSV),
        ("text/csv", JSON, CSV),
        ("text/csv; header=absent", JSON, BARE_CSV),
        ("text/csv; header=present", BARE_CSV, CSV),
        (",,application/json,", CSV, JSON),
    ],
)
def test_accept_chooses_the_format_of_the_answer(
    accept: str | None, request_form: RowFormat, expected: RowFormat
) -> None:
    """The best quality wins, then the closest range, then the format of the request."""
    assert expected == answer_format(accept, request_form)


@pytest.mark.parametrize("accept", ["image/png", "*/*;q=0", "text/csv;q=0", "text/csv;q=nan", "nonsense"])
def test_an_answer_in_no_accepted_format_is_refused_with_what_is_given(accept: str) -> None:
    """The message lists the media types."""
    with pytest.raises(NotAcceptable, match="text/csv, application/jsonlines"):
        answer_format(accept, CSV)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (CSV, "text/csv; charset=utf-8"),
        (BARE_CSV, "text/csv; charset=utf-8; header=absent"),
        (NDJSON, "application/x-ndjson"),
        (PARQUET, "application/x-parquet"),
    ],
)
def test_an_answer_is_labelled_with_its_format(form: RowFormat, expected: str) -> None:
    """CSV tells its charset and when it has no header row."""
    assert expected == form.content_type


def test_a_format_is_known_by_its_value_and_its_media_types() -> None:
    """Options and names of files say the value; no two formats share a media type."""
    names = [name for known in Format for name in known.media_types]
    assert len(names) == len(set(names))
    assert [*Format] == [Format(known.value) for known in Format]
    assert "text/csv; charset=utf-8" == Format.CSV.content_type
    assert "application/x-npy" == Format.NPY.content_type


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, ()), ("", ()), ("none", ()), ("all", None), ("b,a,b", ("b", "a")), ("a,none", ("a", "none"))],
)
def test_columns_that_come_back_are_named_in_one_text(
    text: str | None, expected: tuple[str, ...] | None
) -> None:
    """`all` and `none` stand alone; a name that is there twice counts once."""
    assert expected == row_options("text/csv", join=text).join


def test_outputs_are_named_in_one_text() -> None:
    """Nothing names all of them."""
    assert () == row_options("text/csv").outputs == row_options("text/csv", outputs="").outputs
    assert ("b", "a") == row_options("text/csv", outputs="b,a,b").outputs
