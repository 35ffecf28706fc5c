"""What the user metadata of a file asks for, and files that are wrong as a whole."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.support.dropped_files import DroppedFiles

CSV = (Path(__file__).parents[2] / "examples" / "penguins.csv").read_bytes()
HEAD = CSV.splitlines(keepends=True)[0]
BAD = b"x,y\n"
WRONG = {
    "penguins/columns.csv": (b"a,b\n1,2\n", "missing column 'island'"),
    "penguins/empty.csv": (b"", "the input is empty"),
    "penguins/empty.jsonl": (b"\n", "the input is empty"),
    "penguins/semicolons.csv": (CSV.replace(b",", b";"), "set delimiter=;"),
    "penguins/text.json": (b"no JSON", "not valid JSON"),
    "penguins/text.parquet": (b"no Parquet", "Parquet"),
    "penguins/text.csv.gz": (CSV, "gzip"),
    "penguins/half.csv.gz": (gzip.compress(CSV)[:-20], "gzip"),
    "penguins/file.xml": (b"<rows/>", ".csv"),
    "penguins/9/rows.csv": (CSV, "version"),
    "unheard-of/rows.csv": (CSV, "unheard-of"),
}


def test_columns_are_joined_and_outputs_chosen(files: DroppedFiles) -> None:
    """An output has the wanted columns of the input, and the wanted outputs of the model."""
    key = "penguins/joined.csv"
    manifest = files.transformed(key, CSV, join="year,island", outputs="species", format="jsonl")
    rows = [json.loads(line) for line in files.output(key).splitlines()]
    assert {"island", "year", "species"} == set(rows[0])
    assert ("Dream", "2009") == (rows[0]["island"], rows[0]["year"])  # CSV knows text only
    assert 11 == len(rows) == manifest["records"]["written"]


def test_dialect(files: DroppedFiles) -> None:
    """A file without a header, whose cells are parted by another mark, is read as its metadata says."""
    body = CSV.partition(b"\n")[2].replace(b",", b";")
    files.transformed("penguins/plain.csv", body, header="absent", delimiter=";", outputs="species")
    labels = files.predicted("penguins", CSV).splitlines()[1:]
    assert [row.split(b",")[0] for row in labels] == files.output("penguins/plain.csv").splitlines()


def test_too_many_failed_records(files: DroppedFiles) -> None:
    """A file more of whose records fail than are tolerated has failed, and its failed records are told."""
    key = "penguins/intolerable.csv"
    manifest = files.transformed(key, CSV + BAD, tolerance="0.05")
    assert ("failed", "BadRequest") == (manifest["status"], manifest["error"]["type"])
    assert "1 of 12 records failed" in manifest["error"]["message"]
    assert files.made(f"{key}.out") is None
    assert [12] == [failed["record"] for failed in files.errors(key)]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"tolerance": "all"}, "x-amz-meta-tolerance"),
        ({"format": "json"}, "choose jsonl"),
        ({"jion": "all"}, "did you mean 'join'?"),
        ({"outputs": "weight"}, "weight"),
        ({"join": "weight"}, "weight"),
        ({"lookup": "true"}, "a key as well"),
        ({"lookup": "true", "key": "name"}, "name"),
    ],
)
def test_wrong_options(files: DroppedFiles, options: dict[str, str], reason: str) -> None:
    """An option that is not what it may be is told, and nothing is transformed."""
    manifest = files.transformed("penguins/option.csv", CSV, **options)
    assert "failed" == manifest["status"], manifest
    assert reason in manifest["error"]["message"]


def test_header_without_records(files: DroppedFiles) -> None:
    """A header without records has an output with a header and no records."""
    manifest = files.transformed("penguins/head.csv", HEAD)
    assert ("succeeded", 0) == (manifest["status"], manifest["records"]["read"]), manifest
    assert 1 == len(files.output("penguins/head.csv").splitlines())


@pytest.mark.parametrize("key", WRONG)
def test_wrong_files(files: DroppedFiles, key: str) -> None:
    """A file that is wrong as a whole has no output, and a manifest that says why."""
    body, reason = WRONG[key]
    manifest = files.transformed(key, body)
    assert ("failed", False) == (manifest["status"], manifest["error"]["retryable"]), manifest
    assert reason in manifest["error"]["message"]
    assert files.made(f"{key}.out") is None


def test_predictions_are_looked_up(files: DroppedFiles) -> None:
    """Predictions that are kept by key are found one by one and many at once; a later batch replaces them."""
    users = b"user_id\n" + b"".join(b"%d\n" % user for user in range(1, 40))
    for _ in range(2):
        manifest = files.transformed("recommender/nightly.csv", users, lookup="true")
    assert ("succeeded", 39) == (manifest["status"], manifest["records"]["written"]), manifest
    path = "/v2/models/recommender/predictions"
    one = files.request("GET", f"{path}/15").json()
    assert 10 == len(one["prediction"]["items"])
    many = files.request("POST", f"{path}:lookup", json={"keys": [15, "39", "nobody"]}).json()
    assert manifest["batch"] == one["batch"]
    assert ["15", "39"] == [found["key"] for found in many["predictions"]]
    assert one == {"model_name": "recommender", **many["predictions"][0]}
    assert ["nobody"] == many["missing"]
    assert 404 == files.request("GET", f"{path}/nobody").status_code
