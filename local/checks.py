"""What `make smoke` checks on a deployed stack. Each check is a function that raises LocalFailure."""

import base64
import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from botocore.config import Config
from triptych.jobs.job import IDS

from local.batches import Batch
from local.build import ROOT
from local.calls import Calls, expect_success
from local.failure import LocalFailure
from local.jobs import Job
from local.smoke_run import NotShown, SmokeRun
from local.tour import MODELS, WRONG_SHAPE

CSV = (ROOT / "examples" / "penguins.csv").read_bytes()
ROWS = len(CSV.splitlines()) - 1
IMAGES = (ROOT / "examples" / "digits.json").read_bytes()
REVIEWS = (ROOT / "examples" / "reviews.csv").read_bytes()
PICTURE = (ROOT / "examples" / "digit-7.png").read_bytes()
BAD_ROW = b"Dream,not a number\n"
USERS = (15, 73)
JSON = "application/json"
FORBIDDEN = 403
BUCKETS = ("InputBucket", "OutputBucket", "BatchWorkBucket", "JobInputsBucket", "ResultsBucket")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the smoke test.

    Attributes:
        name: What is checked.
        run: Checks it; raises LocalFailure when it is not so, NotShown when this stack cannot show it.
        models: The models that it calls.
        logs: Outputs of the stack that name the log groups to look at when it fails.
    """

    name: str
    run: Callable[[SmokeRun], None]
    models: tuple[str, ...] = ()
    logs: tuple[str, ...] = ("RealtimeLogs",)


def health(run: SmokeRun) -> None:
    """Health is answered without a key."""
    with Calls(run.stack, key="") as anybody:
        for kind in ("live", "ready"):
            _expect_status(anybody.request("GET", f"/v2/health/{kind}"), 200)


def strangers(run: SmokeRun) -> None:
    """Callers without the key, with a wrong key, or without a signature where one is needed are refused."""
    for key in ("", "0" * 32):
        with Calls(run.stack, key=key) as stranger:
            _expect_error(stranger.request("GET", "/v2"), FORBIDDEN)
    if run.stack.parameters.get("Authorization") == "AWS_IAM":
        with Calls(run.stack, signed=False) as stranger:
            _expect_error(stranger.request("GET", "/v2"), 404)  # as the gateway answers for an unknown path


def models(run: SmokeRun) -> None:
    """The models that ship with the stack can be called."""
    entries = run.api.json("POST", "/v2/repository/index")
    run.served = {entry["name"] for entry in entries if entry["state"] != "UNAVAILABLE"}
    for name in MODELS:
        reasons = {entry.get("reason") for entry in entries if entry["name"] == name}
        why = "; ".join(filter(None, reasons)) or "ModelRepository does not hold it"
        _expect(name in run.served, f"{name}, which the checks call, is not served: {why}")


def mistakes(run: SmokeRun) -> None:
    """A wrong shape, an unknown model and an unknown path have the right status and message."""
    _expect_error(run.api.post("/v2/models/digits/infer", WRONG_SHAPE, JSON), 400, "expected shape")
    _expect_error(run.api.request("GET", f"/v2/models/{run.name}"), 404, run.name)
    _expect_error(run.api.request("GET", f"/{run.name}"), 404)


def rows(run: SmokeRun) -> None:
    """Each row of CSV has a species, with and without missing cells."""
    answer = expect_success(run.api.post("/v2/models/penguins/predict", CSV, "text/csv"))
    species = [row["species"] for row in answer.json()["predictions"]]
    _expect(
        len(species) == ROWS and set(species) <= {"Adelie", "Chinstrap", "Gentoo"},
        f"expected a species for each of {ROWS} rows, got {species}",
    )


def tensors(run: SmokeRun) -> None:
    """Tensors as JSON and as bytes have the same answer: bytes pass the gateway as they are."""
    path = "/v2/models/digits/infer"
    outputs = expect_success(run.api.post(path, IMAGES, JSON)).json()["outputs"]
    digits = next(output["data"] for output in outputs if output["name"] == "digit")
    _expect(set(digits) <= set(range(10)), f"expected digits, got {digits}")
    body, length = _binary(json.loads(IMAGES)["inputs"][0])
    headers = {"content-type": "application/octet-stream", "Inference-Header-Content-Length": str(length)}
    answer = expect_success(run.api.request("POST", path, content=body, headers=headers))
    start = int(answer.headers["Inference-Header-Content-Length"])
    found = np.frombuffer(answer.content[start:], dtype="<i8").tolist()
    _expect(found == digits, f"digits are {digits} as JSON and {found} as bytes")


def texts(run: SmokeRun) -> None:
    """Texts have labels, the same ones as JSON and as CSV."""
    path = "/v2/models/reviews/predict"
    rows = expect_success(run.api.post(path, REVIEWS, "text/csv", accept=JSON)).json()["predictions"]
    table = expect_success(run.api.post(path, REVIEWS, "text/csv", accept="text/csv")).text
    found, labels = _column(table, "label"), [row["label"] for row in rows]
    _expect(found == labels and bool(labels), f"labels are {labels} as JSON and {found} as CSV")


def pictures(run: SmokeRun) -> None:
    """A picture as the body has the label that it has as base64: bytes pass the gateway as they are."""
    path = "/v2/models/handwriting/predict"
    row = json.dumps({"instances": [{"image": base64.b64encode(PICTURE).decode()}]}).encode()
    (expected,) = expect_success(run.api.post(path, row, JSON)).json()["predictions"]
    (found,) = expect_success(run.api.post(path, PICTURE, "image/png")).json()["predictions"]
    _expect(found == expected, f"the picture is {expected} as base64 and {found} as a body")


def jobs(run: SmokeRun) -> None:
    """A job returns the real-time response; sent again with its key, it is the same job."""
    headers = {"Idempotency-Key": run.name}
    job = run.submitted("penguins", CSV, "text/csv", headers)
    _expect_result(run, run.ended_job(job))
    # Not before its end: a job that waits is queued once more, and would come back after its removal.
    again = run.submitted("penguins", CSV, "text/csv", headers)
    _expect(again == job, f"the same Idempotency-Key made two jobs, {job} and {again}")


def failing_jobs(run: SmokeRun) -> None:
    """A job that cannot succeed fails at once, with the reason."""
    job = run.ended_job(run.submitted("digits", WRONG_SHAPE, JSON))
    _expect(job["status"] == "failed", f"expected a failed job, got {job}")
    _expect(
        "expected shape" in job["error"]["message"] and not job["error"]["retryable"],
        f"expected the shape as the reason, and not retryable, got {job['error']}",
    )


def uploaded_jobs(run: SmokeRun) -> None:
    """An input that was uploaded with a form becomes a job."""
    name = run.api.upload(CSV, "text/csv")
    run.uploads.append(name)
    reference = json.dumps({"input": name, "content_type": "text/csv"}).encode()
    _expect_result(run, run.ended_job(run.submitted("penguins", reference, JSON)))


def messages(run: SmokeRun) -> None:
    """A message on the queue becomes a job."""
    message = {"model": "penguins", "content_type": "text/csv", "body": CSV.decode(), "target": "smoke"}
    queue = run.stack.outputs["JobsQueueUrl"]
    sent = run.stack.aws().client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(message))
    _expect_result(run, run.ended_message(IDS.derived("message", sent["MessageId"])))


def files(run: SmokeRun) -> None:
    """An uploaded file has the predictions of real time; its bad record is in the errors file."""
    if not run.on_upload:
        raise NotShown("BatchOnUpload is false")
    key = run.key("penguins", "dropped.csv")
    batch = run.transformed(key, CSV + BAD_ROW, outputs="species")
    _expect_records(batch, "succeeded_with_errors", {"written": ROWS, "failed": 1})
    _expect_same(_species(run), _column(run.files.made(f"{key}.out").decode(), "species"))
    error = json.loads(run.files.made(f"{key}.errors.jsonl"))
    _expect(error["record"] == ROWS + 1, f"expected record {ROWS + 1} to be set apart, got {error}")
    status = run.files.manifest(key)["status"]
    _expect(status == batch["status"], f"the batch is {batch['status']}, its manifest says {status}")


def batches(run: SmokeRun) -> None:
    """A batch by call runs on the state machine, and has the predictions of real time."""
    key = run.key("penguins", "called.csv")
    run.transformed(key, CSV)
    batch = run.called(key, outputs="species")
    _expect_records(batch, "succeeded", {"written": ROWS, "failed": 0})
    _expect_same(_species(run), _column(run.files.made(f"{key}.out").decode(), "species"))


def lookups(run: SmokeRun) -> None:
    """Predictions of a file are looked up by key."""
    run.lookups.extend(f"{run.name}-{user}" for user in USERS)
    lines = [f"{user},{key}" for user, key in zip(USERS, run.lookups, strict=True)]
    body = "\n".join(["user_id,record", *lines, ""]).encode()
    batch = run.transformed(run.key("recommender", "nightly.csv"), body, lookup="true", key="record")
    _expect_records(batch, "succeeded", {"written": len(USERS), "failed": 0})
    found = run.files.looked_up("recommender", run.lookups[0])
    _expect(bool(found["prediction"]["items"]), f"expected recommended items, got {found}")
    _expect_error(run.api.request("GET", f"/v2/models/recommender/predictions/{run.name}"), 404)


def buckets(run: SmokeRun) -> None:
    """Buckets refuse callers without credentials, and connections without encryption."""
    if run.stack.endpoint_url:
        raise NotShown("an emulator is called by this machine only, without TLS")
    names = [run.stack.resources[bucket] for bucket in BUCKETS]
    if not run.stack.parameters.get("ExistingModelBucket"):  # the policy of that one is its owner's
        names.append(run.stack.outputs["ModelBucket"])
    store = run.stack.aws().session().client("s3", config=Config(signature_version="s3v4"))
    for name in names:
        url = store.generate_presigned_url("list_objects_v2", Params={"Bucket": name, "MaxKeys": 1})
        _expect_status(run.api.elsewhere("GET", url), 200)
        _expect_status(run.api.elsewhere("GET", url.partition("?")[0]), FORBIDDEN)
        _expect_status(run.api.elsewhere("GET", url.replace("https:", "http:", 1)), FORBIDDEN)


def _expect(condition: bool, otherwise: str) -> None:  # noqa: FBT001 - reads like assert
    if not condition:
        raise LocalFailure(otherwise)


def _expect_status(answer: httpx.Response, status: int) -> None:
    asked = (
        f"{answer.request.method} {str(answer.request.url).partition('?')[0]}"  # no signature in a message
    )
    _expect(
        answer.status_code == status, f"{asked}: expected {status}, got {answer.status_code} {answer.text}"
    )


def _expect_error(answer: httpx.Response, status: int, word: str = "") -> None:
    _expect_status(answer, status)
    try:
        error = answer.json()["error"]
    except (ValueError, LookupError, TypeError):
        error = None
    _expect(
        isinstance(error, str) and word in error,
        f'expected {{"error": "...{word}..."}} with status {status}, got {answer.text}',
    )


def _expect_result(run: SmokeRun, job: Job) -> None:
    _expect(job["status"] == "succeeded", f"expected a job that succeeds, got {job}")
    _expect_same(_species(run), _column(run.api.result(job["id"]).text, "species"))


def _expect_records(batch: Batch, status: str, records: dict[str, int]) -> None:
    found = batch.get("progress", {}).get("records", {})
    _expect(
        batch["status"] == status and records.items() <= found.items(),
        f"expected {status} with {records}, got {batch}",
    )


def _expect_same(real_time: list[str], found: list[str]) -> None:
    _expect(found == real_time, f"real time says {real_time}, this says {found}")


def _species(run: SmokeRun) -> list[str]:
    answer = run.api.post("/v2/models/penguins/predict", CSV, "text/csv", accept="text/csv")
    return _column(expect_success(answer).text, "species")


def _column(table: str, name: str) -> list[str]:
    return [row[name] for row in csv.DictReader(table.splitlines())]


def _binary(image: dict[str, Any]) -> tuple[bytes, int]:
    pixels = np.array(image["data"], dtype="<f4").tobytes()
    entry = {name: image[name] for name in ("name", "shape", "datatype")}
    entry["parameters"] = {"binary_data_size": len(pixels)}
    asked = {"inputs": [entry], "outputs": [{"name": "digit", "parameters": {"binary_data": True}}]}
    header = json.dumps(asked).encode()
    return header + pixels, len(header)


JOBS = ("JobsLogs", "JobWorkerLogs", "JobKeeperLogs")
STATES = ("BatchesLogs", "BatchStateMachineLogs", "BatchStepsLogs")

CHECKS = (
    Check("health without a key", health),
    Check("no key, wrong key", strangers),
    Check("models", models),
    Check("real time: rows", rows, ("penguins",)),
    Check("real time: tensors", tensors, ("digits",)),
    Check("real time: texts", texts, ("reviews",)),
    Check("real time: pictures", pictures, ("handwriting",)),
    Check("mistakes", mistakes, ("digits",)),
    Check("job, sent twice", jobs, ("penguins",), JOBS),
    Check("job that fails", failing_jobs, ("digits",), JOBS),
    Check("job of an upload", uploaded_jobs, ("penguins",), JOBS),
    Check("job of a message", messages, ("penguins",), JOBS[1:]),
    Check("dropped file", files, ("penguins",), ("BatchLogs",)),
    Check("batch by call", batches, ("penguins",), STATES),
    Check("lookup", lookups, ("recommender",), ("BatchLogs", "BatchesLogs")),
    Check("buckets", buckets, logs=()),
)
