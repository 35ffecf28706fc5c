"""Keys: what that of an input says, and where things are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from triptych.batches import keys
from triptych.batches.keys import InputKey, file_form, input_key
from triptych.errors import BadRequest, NotFound, UnsupportedMediaType
from triptych.rows.formats import Format, RowFormat

from tests.support.job_strategies import COUNTS, IDS, MODELS, VERSIONS

ENDINGS = {
    "csv": RowFormat(Format.CSV),
    "CSV": RowFormat(Format.CSV),
    "csv.gz": RowFormat(Format.CSV, "gzip"),
    "csv.zst": RowFormat(Format.CSV, "zstd"),
    "jsonl": RowFormat(Format.JSON_LINES),
    "ndjson.gz": RowFormat(Format.JSON_LINES, "gzip"),
    "json": RowFormat(Format.JSON),
    "json.zst": RowFormat(Format.JSON, "zstd"),
    "parquet": RowFormat(Format.PARQUET),
    "arrow": RowFormat(Format.ARROW),
    "npy": RowFormat(Format.NPY),
}
NAMES = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1, max_size=20)
FOLDERS = st.lists(NAMES.filter(lambda name: not name.isdecimal()), max_size=3)


@given(MODELS, st.none() | VERSIONS, FOLDERS, NAMES, st.sampled_from(sorted(ENDINGS)))
def test_any_key(model: str, version: int | None, folders: list[str], name: str, ending: str) -> None:
    """A key tells model, version and form, whatever else it holds."""
    key = "/".join([model, *([] if version is None else [str(version)]), *folders, f"{name}.{ending}"])
    assert InputKey(model, version, ENDINGS[ending]) == input_key(key)


@pytest.mark.parametrize("key", ["digits/7.csv", "digits/a/7/b.csv", "digits/v7/a.csv", "digits/7a/a.csv"])
def test_no_version(key: str) -> None:
    """Only a folder of digits right below the model is a version."""
    assert input_key(key).version is None


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        ("a.csv", BadRequest, "expected <model>/<file>"),
        ("digits/", BadRequest, "expected <model>/<file>"),
        ("digits/7/", BadRequest, "expected <model>/<file>"),
        ("digits/0/a.csv", BadRequest, "version '0': expected a positive integer"),
        ("digits/007/a.csv", BadRequest, "version '007'"),
        (".hidden/a.csv", NotFound, "unknown model '.hidden'"),
        ("/a.csv", NotFound, "unknown model ''"),
        ("digits/a.txt", UnsupportedMediaType, "must end in one of .csv, .jsonl"),
        ("digits/csv", UnsupportedMediaType, "must end in one of"),
        ("digits/.csv", UnsupportedMediaType, "must end in one of"),
        ("digits/a.gz", UnsupportedMediaType, "must end in one of"),
        ("digits/a.parquet.gz", UnsupportedMediaType, "parquet is compressed within"),
        ("digits/a.npy.zst", UnsupportedMediaType, "only text is read with .gz or .zst"),
    ],
)
def test_wrong_keys(key: str, error: type[Exception], message: str) -> None:
    """A key that tells too little is refused with what is expected of it."""
    with pytest.raises(error, match=message):
        input_key(key)


def test_outputs() -> None:
    """Everything that is made of a file stands beside its key."""
    made = [make("m/a.csv.gz") for make in (keys.output_key, keys.errors_key, keys.manifest_key)]
    assert ["m/a.csv.gz.out", "m/a.csv.gz.errors.jsonl", "m/a.csv.gz.manifest.json"] == made


def test_work() -> None:
    """Everything of a batch has its prefix."""
    made = [
        keys.work_list_key("id", "chunks"),
        keys.work_list_key("id", "joins"),
        keys.part_key("id", 3, 70, "t"),
        keys.part_errors_key("id", 3, 70, "t"),
        keys.staged_key("id", 3, 4),
    ]
    expected = [
        "batches/id/chunks.json",
        "batches/id/joins.json",
        "batches/id/parts/00003/00000000000000000070.t",
        "batches/id/parts/00003/00000000000000000070.t.errors",
        "batches/id/staged/00003/00004",
    ]
    assert expected == made
    assert all(key.startswith(keys.work_prefix("id")) for key in made)


@given(IDS, COUNTS, COUNTS)
def test_order_of_parts(batch: str, one: int, other: int) -> None:
    """Keys of the parts of a file sort by where they begin."""
    first, second = (keys.part_key(batch, 0, start, "t") for start in sorted((one, other)))
    assert first <= second


def test_unusual_names() -> None:
    """A name of many dots counts by its last."""
    assert RowFormat(Format.CSV) == file_form("a.json.csv")
