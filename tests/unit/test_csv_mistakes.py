"""CSV that is not what it was meant to be: another delimiter, and newlines that got lost."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
import pytest
from triptych.batches.uploads import Upload
from triptych.clock import Deadline
from triptych.errors import BadRequest, PayloadTooLarge
from triptych.inference.rows import predict_rows
from triptych.jobs.job import JobRequest
from triptych.jobs.message import decode
from triptych.jobs.submission import OptionLimits, Options, Submission
from triptych.models.model import Model
from triptych.protocol.json_document import dump
from triptych.rows.options import row_options

from tests.support.batch_world import BatchWorld
from tests.support.local_files import sample, transformed

NAMES = "island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year"
ROWS = ["Torgersen,39.1,18.7,181,3750,male,2007", "Dream,37.3,16.8,192.0,3000.0,female,2009"]
COMMAS = "\n".join([NAMES, *ROWS, ""])
PENGUINS, RECOMMENDER, DIGITS = map(sample, ("penguins", "recommender", "digits"))
ABSENT = "text/csv; header=absent"


def predicted(body: str, content_type: str = "text/csv", model: Model = PENGUINS, **wanted: str) -> bytes:
    """Predicts for rows as real time does."""
    options = row_options(content_type, **wanted)
    return predict_rows(model, body.encode(), options, Deadline.after(60)).body


def refusal(body: str, content_type: str = "text/csv", model: Model = PENGUINS) -> str:
    """Tells why rows are refused."""
    with pytest.raises(BadRequest) as caught:
        predicted(body, content_type, model)
    return str(caught.value)


@pytest.mark.parametrize(
    ("option", "mark"), [(";", ";"), ("|", "|"), ("tab", "\t"), ("\t", "\t"), (",", ",")]
)
def test_delimiter(option: str, mark: str) -> None:
    """The option says what separates cells, in the rows and in the answer, at once and by file."""
    body = COMMAS.replace(",", mark)
    answer = predicted(body, join="island", outputs="species", delimiter=option)
    assert predicted(COMMAS, join="island", outputs="species") == answer.replace(mark.encode(), b",")
    request = JobRequest("text/csv", join="island", outputs="species", delimiter=option)
    assert answer == transformed(PENGUINS, body.encode(), request).body
    headerless = "".join(f"{row}\n" for row in ROWS)
    request = request._replace(content_type=ABSENT)
    expected = predicted(headerless, ABSENT, join="island", outputs="species").replace(b",", mark.encode())
    assert expected == transformed(PENGUINS, headerless.replace(",", mark).encode(), request).body


def test_delimiter_of_the_answer() -> None:
    """Rows of another format are answered as CSV with the delimiter, as files are."""
    body = '{"instances": [{"user_id": 15}]}'
    wanted = {"accept": "text/csv", "outputs": "scores"}
    commas = predicted(body, "application/json", RECOMMENDER, **wanted)
    assert commas.replace(b",", b";") == predicted(
        body, "application/json", RECOMMENDER, delimiter=";", **wanted
    )


@pytest.mark.parametrize("option", ["", ";;", "a", '"', ".", "\n", "semicolon"])
def test_wrong_delimiter(option: str) -> None:
    """What cannot separate cells is refused, by predict as when a job is handed over."""
    expected = "delimiter: expected one mark such as ',', ';', '|', or 'tab', got "
    with pytest.raises(BadRequest) as caught:
        predicted(COMMAS, delimiter=option)
    assert f"{expected}{option!r}" == str(caught.value)
    with pytest.raises(BadRequest, match=r"^delimiter: expected one mark"):
        JobRequest("text/csv", delimiter=option).row_options()


def test_messages_of_jobs() -> None:
    """A message on the queue may say the delimiter; one that does not is the same as before there was one."""
    said = {"model": "penguins", "content_type": "text/csv", "body": "x\n"}
    limits = OptionLimits(3600, 3600)
    with_mark = decode(orjson.dumps({**said, "delimiter": ";"}).decode(), "m", limits).submission
    assert ";" == with_mark.request.delimiter
    assert with_mark.digest() != decode(orjson.dumps(said).decode(), "m", limits).submission.digest()
    names = ("content_type", "content_encoding", "header_length", "accept", "join", "outputs")
    asked = {**dict.fromkeys(names), "content_type": "text/csv"}
    before = dump(["m", None, asked, None, hashlib.sha256(b"x").hexdigest()])
    now = Submission("m", None, JobRequest("text/csv"), Options(60), b"x")
    assert hashlib.sha256(before).hexdigest() == now.digest()


@pytest.mark.parametrize(
    ("mark", "meant"),
    [
        (";", "it looks like the delimiter is ';', set delimiter=; (%3B in a URL)"),
        ("|", "it looks like the delimiter is '|', set delimiter=| (%7C in a URL)"),
        ("\t", "it looks like the delimiter is 'tab', set delimiter=tab"),
    ],
)
def test_other_delimiter(tmp_path: Path, mark: str, meant: str) -> None:
    """A header of one column that looks like several is refused with the delimiter, by file as well."""
    body = COMMAS.replace(",", mark)
    reason = refusal(body)
    assert reason.startswith("the CSV has one column, 'island")
    assert reason.endswith(f"; {meant}")
    assert refusal(ROWS[0].replace(",", mark), ABSENT).endswith(f"got 1; {meant}")
    world = BatchWorld(tmp_path)
    found = world.inputs.drop("penguins/a.csv", body.encode())
    world.uploads.process(Upload("penguins/a.csv", found.version, found.etag), Deadline.after(60))
    manifest = orjson.loads(world.outputs.get("penguins/a.csv.manifest.json") or b"{}")
    assert ("failed", reason) == (manifest["status"], manifest["error"]["message"])


def test_one_column() -> None:
    """A header of one column without any delimiter is just a wrong name; a model's own name is right."""
    assert refusal("user\n15\n", model=RECOMMENDER).startswith("missing column 'user_id'")
    assert predicted("user_id\n15\n", model=RECOMMENDER)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (COMMAS, "text/csv"),
        (COMMAS.replace("\n", "\r\n"), "text/csv"),
        ("".join(f"{line},x\n" for line in COMMAS.splitlines()), "text/csv"),
        ("".join(f"{row}\n" for row in ROWS), ABSENT),
    ],
)
def test_lost_newlines(body: str, content_type: str) -> None:
    """What `curl -d @file` makes of a file is refused with what to do; it would be a header without rows."""
    lost = body.replace("\r", "").replace("\n", "")  # as curl does
    reason = refusal(lost, content_type)
    assert reason.startswith("the CSV is one line of ")
    assert reason.endswith("as `curl -d` takes them away; send the file with --data-binary")


def test_lost_newlines_of_a_long_file() -> None:
    """More cells than a table may have columns are no reason to send less."""
    wide = ",".join(["1"] * 20_000)
    with pytest.raises(PayloadTooLarge, match=r"more columns than the 16384 that are read; .*--data-binary"):
        predicted(COMMAS.replace("\n", "") + wide)
    with pytest.raises(PayloadTooLarge, match=r"more columns than the 16384 that are read$"):
        predicted(wide + "\n1\n")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (NAMES, "text/csv"),
        (",".join([NAMES, *(f"more_{number}" for number in range(20))]), "text/csv"),
        (ROWS[0], ABSENT),
    ],
)
def test_one_line(body: str, content_type: str) -> None:
    """A header, or a row, may stand there without a newline at its end."""
    assert predicted(body, content_type)


def test_any_columns() -> None:
    """A model whose columns may have any names may have numbers for names."""
    names = ",".join(map(str, range(64)))
    assert predicted(names, model=DIGITS, outputs="digit")
