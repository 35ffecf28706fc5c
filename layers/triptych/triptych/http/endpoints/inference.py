"""Inference on tensors."""

from __future__ import annotations

import re

from triptych.errors import BadRequest
from triptych.http.accounting import failures_counted, succeeded
from triptych.http.model_of import model_of
from triptych.http.request import Request
from triptych.http.response import Response
from triptych.http.services import Services
from triptych.protocol.infer_request import InferRequest, parse_infer_request
from triptych.serving.inference import infer as infer_tensors
from triptych.serving.model import Model
from triptych.serving.raw_request import raw_request

HEADER_LENGTH = "Inference-Header-Content-Length"
_NUMBER = re.compile(r"[0-9]{1,18}")


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
    header_length = _header_length(request, len(body))
    if header_length == 0:
        return raw_request(body, model.signature)
    return parse_infer_request(body, header_length)


def _header_length(request: Request, size: int) -> int | None:
    value = request.headers.get(HEADER_LENGTH.lower())
    if value is None:
        return None
    if not (_NUMBER.fullmatch(value) and int(value) <= size):
        raise BadRequest(f"{HEADER_LENGTH}: expected a whole number from 0 to {size}, got {value[:32]!r}")
    return int(value)
