"""Batches: handing them over, looking at them, waiting for them, listing, cancelling and redriving them."""

from __future__ import annotations

from typing import Any

from triptych.batches.batch import Batch, Status
from triptych.batches.document import document, file_documents
from triptych.batches.submission import Submission, read_submission, shortened
from triptych.errors import BadRequest
from triptych.http.batch_services import BatchServices
from triptych.http.request import Request
from triptych.http.response import Response, json_response
from triptych.protocol.json_document import parse_object

MAX_WAIT = 20
"""Seconds that an answer is held back at most: API Gateway gives up after 29."""

MAX_PAGE, DEFAULT_PAGE = 100, 20
"""Batches that one answer lists."""

RETRY_AFTER = {"Retry-After": "5"}
"""Seconds until it makes sense to ask again for a batch that has not ended."""


def submit(services: BatchServices, request: Request) -> Response:
    """Makes a batch of files that are in the bucket of inputs; with `dry_run` only tells what it would do.

    Raises:
        NotFound: There is no such model or version.
    """
    said = parse_object(request.decompressed_body())
    dry = said.pop("dry_run", False)
    if not isinstance(dry, bool):
        raise BadRequest(f"dry_run: expected true or false, got {str(dry)[:32]!r}")
    submission = read_submission(said)
    _check_model(services, request, submission)
    if dry:
        return json_response(services.dry_run.describe(submission, request.deadline))
    submission = submission._replace(source=shortened(services.work, submission.source))
    return _accepted(services, request, services.submitter.submit(submission, request.idempotency_key()))


def newest(services: BatchServices, request: Request) -> Response:
    """Lists batches, the newest first."""
    page = services.desk.page(
        model=request.query.get("model"),
        status=_status(request.query.get("status")),
        after=request.query.get("next"),
        limit=request.whole("limit", 1, MAX_PAGE, DEFAULT_PAGE),
    )
    now = services.clock()
    listed: dict[str, object] = {"batches": [document(batch, now) for batch in page.batches]}
    return json_response(listed if page.next is None else {**listed, "next": page.next})


def one(services: BatchServices, request: Request) -> Response:
    """Shows a batch and how far it has come; with `wait`, once it has ended or that many seconds are over."""
    seconds = request.whole("wait", 0, MAX_WAIT, 0)
    identity = request.path["id"]
    desk = services.desk
    batch = desk.wait(identity, seconds, request.deadline) if seconds else desk.batch(identity)
    return json_response(_described(services, batch))


def cancel(services: BatchServices, request: Request) -> Response:
    """Cancels a batch that has not ended."""
    return json_response(_described(services, services.desk.cancel(request.path["id"])))


def redrive(services: BatchServices, request: Request) -> Response:
    """Starts a batch again that failed for a reason that may be gone."""
    return _accepted(services, request, services.desk.redrive(request.path["id"]))


def _check_model(services: BatchServices, request: Request, submission: Submission) -> None:
    if submission.model is None:
        return
    listing = services.repository.listing(submission.model)
    known = listing.all()[0] if submission.version is None else listing.one(submission.version)
    request.record.model, request.record.version = known.stored.model, submission.version


def _accepted(services: BatchServices, request: Request, batch: Batch) -> Response:
    # API Gateway puts a stage before the path, a custom domain may not: only a relative reference fits both.
    up = "../" * (request.resource.count("/") - 2)
    headers = {"Location": f"{up}batches/{batch.id}", **RETRY_AFTER}
    return json_response(document(batch, services.clock()), 202, headers)


def _described(services: BatchServices, batch: Batch) -> dict[str, Any]:
    seen = services.desk.view(batch)
    files = file_documents(seen.outcomes, services.outputs.url)
    return {**document(batch, services.clock(), seen.made), "files": files}


def _status(value: str | None) -> Status | None:
    if value is not None and value not in Status:
        raise BadRequest(f"status: expected one of {', '.join(Status)}, got {value[:32]!r}")
    return None if value is None else Status(value)
