"""Tasks in requests, jobs and files alike; the model's own tensors stay within reach."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from arro3.core import Table
from arro3.io import write_parquet
from triptych.clock import Deadline
from triptych.inference import file as file_module
from triptych.inference.adaptive_batching import AdaptiveBatcher
from triptych.inference.merging import groups
from triptych.inference.rows import prepare_rows
from triptych.inference.slices import Sizes
from triptych.inference.tensors import prepare_infer
from triptych.jobs.job import JobRequest
from triptych.models.config import ModelConfig, SessionSettings
from triptych.models.model import Model, ModelSession, VersionFiles
from triptych.protocol.infer_request import parse_infer_request
from triptych.rows.formats import Format, RowFormat
from triptych.rows.options import row_options
from triptych.tasks.open import open_session
from triptych.tasks.text_classification import TextClassification

from tests.support.hooked_sessions import Hooks
from tests.support.local_files import transformed
from tests.support.pieces import Wanted, made
from tests.support.realtime import Call, RealtimeFunction
from tests.support.text_exports import add_export, classifier, logits, open_export, softmax, tokens
from tests.support.workshop import Workshop
from tests.unit.test_text_classification import REVIEWS

LATER = Deadline.after(600)
TEXTS = ["good film", "not a good film", "", "bad", "Ada in Berlin", "unheard of"]
IDS = tokens("good film")
OWN = [
    {"name": name, "datatype": "INT64", "shape": [1, len(IDS)], "data": data}
    for name, data in (("input_ids", IDS), ("attention_mask", [1] * len(IDS)))
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of a classifier in a repository."""
    return add_export(tmp_path_factory.mktemp("models"), "reviews", classifier(2), REVIEWS)


@pytest.fixture(scope="module")
def model(directory: Path) -> Model:
    """The classifier, open."""
    return open_export(directory)


def call(directory: Path, action: str, body: object, **query: str) -> Any:  # noqa: ANN401 - an answer in JSON
    """Posts JSON to the function."""
    headers = {"content-type": "application/json"}
    path = {"model": "reviews"}
    event = Call("POST", f"/v2/models/{{model}}/{action}", path, headers, query, json.dumps(body).encode())
    return RealtimeFunction(directory.parents[1]).handle(event.event()).json()


def test_own_tensors_by_name(directory: Path) -> None:
    """A request that names the model's own tensors gets the model's own outputs."""
    (output,) = call(directory, "infer", {"inputs": OWN})["outputs"]
    assert "logits" == output["name"]
    assert output["data"] == pytest.approx(logits(2, "good film").tolist(), abs=1e-5)


def test_own_tensors_asked_for(directory: Path) -> None:
    """`raw=true` leaves the task out, of tensors and of rows."""
    (output,) = call(directory, "infer", {"inputs": OWN}, raw="true")["outputs"]
    row = {"input_ids": IDS, "attention_mask": [1] * len(IDS)}
    (prediction,) = call(directory, "predict", {"instances": [row]}, raw="true")["predictions"]
    assert output["data"] == pytest.approx(prediction["logits"], abs=1e-6)
    error = call(directory, "infer", {"inputs": [{**OWN[0], "name": "text"}]}, raw="true")["error"]
    assert "unknown input 'text'" in error


def test_raw_is_a_flag(directory: Path) -> None:
    """Any other value of `raw` is an error."""
    assert "raw: expected true or false, got 'yes'" == call(directory, "infer", {}, raw="yes")["error"]


def test_mixed_names(directory: Path) -> None:
    """A request that names tensors of both is one for the task, whose error lists what it takes."""
    text = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["good"]}
    error = call(directory, "infer", {"inputs": [text, OWN[0]]})["error"]
    assert "unknown input 'input_ids'" in error
    assert "'text', 'text_pair'" in error


def test_jobs_run_together(model: Model) -> None:
    """Texts of several jobs are one run without a trial, and each gets what it would get alone."""
    options = row_options("text/csv", "application/json")
    requests = [prepare_rows(model, f"text\n{text or '""'}\n".encode(), options) for text in TEXTS]
    batched = AdaptiveBatcher(lambda _: pytest.fail("refused")).run_batched(model, requests, LATER)
    assert [len(TEXTS)] == [run.requests for run in batched.runs]
    for text, outcome in zip(TEXTS, batched.outcomes, strict=True):
        assert isinstance(outcome, dict)
        expected = softmax(logits(2, text))
        np.testing.assert_allclose(expected, outcome["scores"].values[0], atol=1e-5)


def test_merged_runs_end_in_time(model: Model) -> None:
    """Many texts of many jobs are several runs, though they are few bytes."""
    options = row_options("text/csv", "application/json")
    requests = [prepare_rows(model, b"text\n" + b"good\n" * 200, options) for _ in range(5)]
    assert [[0, 1], [2, 3], [4]] == groups(model.signature, requests)


def test_jobs_of_own_tensors(model: Model) -> None:
    """A job that names the model's own tensors is prepared for them."""
    prepared = prepare_infer(model, parse_infer_request(json.dumps({"inputs": OWN}).encode(), None))
    assert prepared.model.session is model.raw.session
    assert ["logits"] == prepared.outputs


class Tasks(Hooks):
    """Opens versions with the tasks in front of them."""

    def open_session(  # type: ignore[override]
        self, files: VersionFiles, config: ModelConfig, settings: SessionSettings
    ) -> ModelSession:
        """Opens a version."""
        return open_session(files, config, settings)


def test_jobs_of_every_kind_at_once(tmp_path: Path) -> None:
    """Texts as rows, texts as tensors and the model's own tensors are answered in one batch of messages."""
    add_export(tmp_path / "models", "reviews", classifier(2), REVIEWS)
    workshop = Workshop(tmp_path, hooks=Tasks())
    text = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["good film"]}
    csv, tensors, own = (
        workshop.submit(b"text\ngood film\n", "reviews", content_type="text/csv", accept="application/json"),
        workshop.submit(json.dumps({"inputs": [text]}).encode(), "reviews"),
        workshop.submit(json.dumps({"inputs": OWN}).encode(), "reviews"),
    )
    workshop.work()
    row, outputs, raw = (
        json.loads(workshop.results.read(result))
        for job in (csv, tensors, own)
        if (result := workshop.job(job).result)
    )
    scores = pytest.approx(softmax(logits(2, "good film")).tolist(), abs=1e-5)
    assert scores == row["predictions"][0]["scores"]
    assert scores == outputs["outputs"][2]["data"]
    assert raw["outputs"][0]["data"] == pytest.approx(logits(2, "good film").tolist(), abs=1e-5)


def contents() -> dict[Format, bytes]:
    """Returns the texts in each format of files."""
    parquet = io.BytesIO()
    write_parquet(Table.from_pydict({"id": np.arange(len(TEXTS)), "text": _strings()}), parquet)
    rows = [{"id": index, "text": text} for index, text in enumerate(TEXTS)]
    return {
        Format.CSV: b"id,text\n" + b"".join(f'{row["id"]},"{row["text"]}"\n'.encode() for row in rows),
        Format.JSON_LINES: b"".join(orjson.dumps(row) + b"\n" for row in rows),
        Format.PARQUET: parquet.getvalue(),
    }


def _strings() -> Any:  # noqa: ANN401 - an Arrow array
    from arro3.core import Array, DataType  # noqa: PLC0415

    return Array(TEXTS, DataType.utf8())


@pytest.mark.parametrize("form", contents())
def test_files(model: Model, form: Format) -> None:
    """A file with a column `text` comes back with a label for each, in its order."""
    content = contents()[form]
    wanted = Wanted(RowFormat(Format.JSON_LINES), join="id")
    cuts = [0, len(TEXTS)] if form is Format.PARQUET else None
    file = made(model, content, RowFormat(form), wanted, cuts=cuts)
    rows = [orjson.loads(line) for line in file.output.splitlines()]
    assert not file.errors
    assert [*range(len(TEXTS))] == [int(row["id"]) for row in rows]
    for text, row in zip(TEXTS, rows, strict=True):
        assert row["scores"] == pytest.approx(softmax(logits(2, text)).tolist(), abs=1e-5)


def test_blocks_of_files_are_short(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block of texts ends in time: it has few records, however small they are."""
    monkeypatch.setattr(file_module, "_TASK_RECORDS", 4)
    sizes: list[int] = []
    run = TextClassification.answers

    def watched(self: Any, inputs: Any, deadline: Deadline) -> Any:  # noqa: ANN401
        sizes.append(len(inputs["text"]))
        return run(self, inputs, deadline)

    monkeypatch.setattr(TextClassification, "answers", watched)
    body = b"text\n" + b"good\n" * 30
    made(model, body, RowFormat(Format.CSV), Wanted(RowFormat(Format.CSV)), sizes=Sizes())
    transformed(model, body, JobRequest("text/csv"), sizes=Sizes())
    assert 60 == sum(sizes)
    assert max(sizes) <= 4
