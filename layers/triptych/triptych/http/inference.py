"""Inference: on tensors (`infer`) and on rows (`predict`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Any

from triptych.errors import BadRequest, TriptychError
from triptych.http.models import InferenceServices, model_in, model_of
from triptych.http.request import Request
from triptych.http.response import Response, filled_cells
from triptych.inference.request import Servable, Served, serve
from triptych.inference.tensors import image_request, prepare_infer, raw_request
from triptych.models.model import Model
from triptych.protocol.infer_request import HEADER_LENGTH, InferRequest, parse_infer_request
from triptych.protocol.json_document import parse_object
from triptych.protocol.names import check_known
from triptych.rows.formats import Format, names_image, names_rows
from triptych.rows.options import row_options

_START = 4096  # bytes that show whether a text is CSV


def infer(services: InferenceServices, request: Request) -> Response:
    """Runs a model on tensors, in JSON or binary, or on one image."""
    model = _asked_for(services, request)
    answer = served(services, request, model, lambda: prepare_infer(model, _message(model, request)))
    if answer.header_length is None:
        return Response(200, answer.body, answer.content_type)
    return Response(200, answer.body, answer.content_type, {HEADER_LENGTH: str(answer.header_length)})


def predict(services: InferenceServices, request: Request) -> Response:
    """Runs a model on rows: CSV, JSON Lines, JSON instances, Parquet, or one image; or as a pipeline."""
    model = _asked_for(services, request)
    answer = served(services, request, model, lambda: _prepared_rows(model, request))
    return Response(200, answer.body, answer.content_type, filled_cells(answer.filled))


def served(
    services: InferenceServices, request: Request, model: Model, prepare: Callable[[], Servable]
) -> Served:
    """Serves a request for a model, and counts it.

    Raises:
        TriptychError: Whatever preparing, running and answering raise.
    """
    started = perf_counter_ns()
    try:
        answer = serve(prepare, request.deadline)
    except TriptychError:
        services.statistics.of(model).fail.add(perf_counter_ns() - started)
        raise
    services.statistics.of(model).succeeded(answer.rows, answer.timings)
    request.record.inference_milliseconds = answer.timings.compute_infer / 1e6
    return answer


def answer_message(
    services: InferenceServices,
    request: Request,
    fields: Sequence[str],
    prepare: Callable[[Model, dict[str, Any]], Servable],
) -> Response:
    """Answers a message in JSON that names its model in a field.

    Args:
        services: What the endpoint works with.
        request: The request.
        fields: The fields that the message may have.
        prepare: Makes a request for the model of the message.
    """
    message = parse_object(request.decompressed_body())
    check_known(message, fields, "field")
    model = model_in(services, request, message)
    answer = served(services, request, model, lambda: prepare(model, message))
    return Response(200, answer.body, answer.content_type)


def _prepared_rows(model: Model, request: Request) -> Servable:
    # Arrow is read from disk only where rows are: a cold start for tensors does without.
    from triptych.inference.rows import prepare_rows  # noqa: PLC0415

    body = request.decompressed_body()
    options = row_options(
        content_type=request.headers.get("content-type"),
        accept=request.headers.get("accept"),
        join=request.query.get("join"),
        outputs=request.query.get("outputs"),
        delimiter=request.query.get("delimiter"),
    )
    if options.input.format is Format.JSON and b'"inputs"' in body:
        from triptych.http.pipelines import pipeline_message, prepare_pipeline  # noqa: PLC0415

        message = pipeline_message(body, options)
        if message is not None:
            return prepare_pipeline(model, message)
    return prepare_rows(model, body, options)


def _asked_for(services: InferenceServices, request: Request) -> Model:
    """Returns the model that the path names, with its own tensors where the query asks for them."""
    raw = request.flag("raw")
    model = model_of(services, request)
    return model.raw if raw else model


def _message(model: Model, request: Request) -> InferRequest:
    body = request.decompressed_body()
    header_length = request.header_length(len(body))
    if header_length == 0:
        return raw_request(body, model.signature)
    if names_image(request.headers.get("content-type")):
        return image_request(body, model.signature)
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
