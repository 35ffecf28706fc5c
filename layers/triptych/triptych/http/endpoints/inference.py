"""Inference on tensors."""

from __future__ import annotations

from triptych.http.accounting import failures_counted, succeeded
from triptych.http.model_of import model_of
from triptych.http.request import HEADER_LENGTH, Request
from triptych.http.response import Response
from triptych.http.services import Services
from triptych.protocol.infer_request import InferRequest, parse_infer_request
from triptych.serving.inference import infer as infer_tensors
from triptych.serving.model import Model
from triptych.serving.raw_request import raw_request


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
    return parse_infer_request(body, header_length)
