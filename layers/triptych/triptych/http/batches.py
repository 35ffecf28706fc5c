"""Batches of files: submitting, looking at them, cancelling and redriving them; predictions by key."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import unquote

from triptych.aws.bucket import Bucket
from triptych.batches.batch import Batch, Status
from triptych.batches.document import document, file_documents
from triptych.batches.dry_run import DryRun
from triptych.batches.lookup import PredictionStore, latest_prediction, latest_predictions
from triptych.batches.service import BatchService
from triptych.batches.submission import Submission, read_submission
from triptych.clock import Clock
from triptych.errors import BadRequest
from triptych.http.request import Request
from triptych.http.response import Response, json_response, page_response
from triptych.models.repository import ModelRepository
from triptych.protocol.json_document import parse_object
from triptych.protocol.names import check_known

RETRY_AFTER = {"Retry-After": "5"}
"""Seconds until it makes sense to ask again for a batch that has not ended."""

MAX_KEYS = 1000
"""Keys that are looked up at once."""


class BatchServices(NamedTuple):
    """What the endpoints of batches and predictions work with.

    Attributes:
        repository: Knows which models there are.
        batches: Accepts batches, and serves callers who have some.
        dry_run: Describes what a batch would do.
        predictions: Predictions by key.
        outputs: Bucket of outputs.
        clock: Returns the milliseconds since 1970.
    """

    repository: ModelRepository
    batches: BatchService
    dry_run: DryRun
    predictions: PredictionStore
    outputs: Bucket
    clock: Clock


def submit(services: BatchServices, request: Request) -> Response:
    """Makes a batch of files that are in the bucket of inputs; with `dry_run` only says what it would do.

    Raises:
        NotFound: There is no such model or version.
    """
    message = parse_object(request.decompressed_body())
    dry_run = message.pop("dry_run", False)
    if not isinstance(dry_run, bool):
        raise BadRequest(f"dry_run: expected true or false, got {str(dry_run)[:32]!r}")
    submission = read_submission(message)
    _check_model(services, request, submission)
    if dry_run:
        return json_response(services.dry_run.describe(submission, request.deadline))
    return _accepted(services, request, services.batches.submit(submission, request.idempotency_key()))


def newest(services: BatchServices, request: Request) -> Response:
    """Lists batches, the newest first."""
    page, now = services.batches.newest(**request.page(Status)), services.clock()
    return page_response("batches", [document(batch, now) for batch in page.records], page.next)


def one(services: BatchServices, request: Request) -> Response:
    """Returns a batch and its progress; with `wait`, once it has ended or that many seconds are over."""
    seconds = request.wait_seconds()
    batch_id, batches = request.path["id"], services.batches
    batch = batches.wait(batch_id, seconds, request.deadline) if seconds else batches.get(batch_id)
    return json_response(_described(services, batch))


def cancel(services: BatchServices, request: Request) -> Response:
    """Cancels a batch that has not ended."""
    return json_response(_described(services, services.batches.cancel(request.path["id"])))


def redrive(services: BatchServices, request: Request) -> Response:
    """Starts a batch again that failed for a reason that may be gone."""
    return _accepted(services, request, services.batches.redrive(request.path["id"]))


def prediction(services: BatchServices, request: Request) -> Response:
    """Returns the latest prediction for a key."""
    key = unquote(request.path["key"])  # the gateway hands path parameters on as they were sent
    return json_response(latest_prediction(services.predictions, request.path["model"], key))


def predictions(services: BatchServices, request: Request) -> Response:
    """Returns the latest predictions for keys, and which keys have none."""
    message = parse_object(request.decompressed_body())
    check_known(message, ("keys",), "field")
    keys = message.get("keys")
    if not isinstance(keys, list) or any(type(key) not in {str, int} for key in keys):
        raise BadRequest('expected {"keys": [...]}, a list of text or whole numbers')
    if not 0 < len(keys) <= MAX_KEYS:
        raise BadRequest(f"keys: expected 1 to {MAX_KEYS} keys, got {len(keys)}")
    distinct = list(dict.fromkeys(map(str, keys)))
    return json_response(latest_predictions(services.predictions, request.path["model"], distinct))


def _check_model(services: BatchServices, request: Request, submission: Submission) -> None:
    if submission.model is None:
        return
    known = services.repository.listing(submission.model).candidates(submission.version)[0]
    request.record.model, request.record.version = known.stored.model, submission.version


def _accepted(services: BatchServices, request: Request, batch: Batch) -> Response:
    headers = {"Location": request.relative(f"batches/{batch.id}"), **RETRY_AFTER}
    return json_response(document(batch, services.clock()), 202, headers)


def _described(services: BatchServices, batch: Batch) -> dict[str, Any]:
    view = services.batches.view(batch)
    files = file_documents(view.outcomes, services.outputs.url)
    return {**document(batch, services.clock(), view.progress), "files": files}
