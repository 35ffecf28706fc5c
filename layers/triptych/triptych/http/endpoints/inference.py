"""Inference on tensors."""

from __future__ import annotations

from triptych.errors import BadRequest
from triptych.http.accounting import failures_counted, succeeded
from triptych.http.model_of import model_of
from triptych.http.request import HEADER_LENGTH, Request
from triptych.http.response import Response
from triptych.http.services import Services
from triptych.inference.request import infer as infer_tensors
from triptych.inference.request import raw_request
from triptych.models.model import Model
from triptych.protocol.infer_request import InferRequest, parse_infer_request
from triptych.rows.formats import names_rows

_START = 4096  # bytes that show whether a text is CSV


def infer(services: Services, request: Request) -> Response:
    """Runs a model on tensors, in JSON or binary."""
    model = model_of(services, request)
    with failures_counted(services, model):
        answer = infer_tensors(model, _message(model, request), request.deadline)
    succeeded(services, request, model, answer.rows, answer.timings)
    if answer.header_length is None:
        return Response(200, answer.body, answer.content_type)
    return Response(200, answer.body, answer.content_type, {HEADER_LENGTH: str(answer.header_length)})


def _message(model: Model, request: Request) -> InferRequest:
    body = request.decompressed_body()
    header_length = request.header_length(len(body))
    if header_length == 0:
        return raw_request(body, model.signature)
    try:
        message = parse_infer_request(body, header_length)
    except BadRequest as error:
        if header_length is None and _holds_rows(request, body):
            raise _rows_go_elsewhere(model) from error
        raise
    if not message.inputs and _holds_rows(request, body):
        raise _rows_go_elsewhere(model)
    return message


def _holds_rows(request: Request, body: bytes) -> bool:
    if names_rows(request.headers.get("content-type")) or b'"instances"' in body:
        return True
    start = body[:_START].lstrip()
    return start[:1] not in {b"{", b"["} and (b"," in start or b"\n" in start)


def _rows_go_elsewhere(model: Model) -> BadRequest:
    return BadRequest(
        f"infer takes tensors, as JSON or as binary with {HEADER_LENGTH}; "
        f"send rows such as CSV, JSON Lines or instances to POST /v2/models/{model.name}/predict"
    )
