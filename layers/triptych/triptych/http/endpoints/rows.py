"""Inference on rows."""

from __future__ import annotations

from triptych.http.accounting import failures_counted, succeeded
from triptych.http.model_of import model_of
from triptych.http.request import Request
from triptych.http.response import Response, filled_cells
from triptych.http.services import Services
from triptych.rows.options import row_options


def predict(services: Services, request: Request) -> Response:
    """Runs a model on rows: CSV, JSON Lines, JSON instances or Parquet."""
    # Arrow is read from disk only where rows are: a cold start for tensors does without.
    from triptych.inference.rows import predict_rows  # noqa: PLC0415 - says the comment

    model = model_of(services, request)
    with failures_counted(services, model):
        body = request.decompressed_body()
        options = row_options(
            content_type=request.headers.get("content-type"),
            accept=request.headers.get("accept"),
            join=request.query.get("join"),
            outputs=request.query.get("outputs"),
            delimiter=request.query.get("delimiter"),
        )
        answer = predict_rows(model, body, options, request.deadline)
    succeeded(services, request, model, answer.rows, answer.timings)
    return Response(200, answer.body, answer.content_type, filled_cells(answer.filled))
