"""The inference function: runs the models of functions that have none, for `models/remote.py`.

It is the function for real-time inference without the gateway, for the models' own tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, override

from triptych.aws.telemetry import RequestRecord
from triptych.clock import Context, Deadline
from triptych.errors import ModelUnavailable, NotFound, NotSupported, TriptychError
from triptych.http import inference
from triptych.http.application import SAFETY_MARGIN, Application
from triptych.http.models import InferenceServices, model_of
from triptych.http.request import Request
from triptych.http.response import Response, json_response
from triptych.http.routes import Endpoint, Routes
from triptych.models import remote
from triptych.models.model import GraphSession


class InferenceApplication(Application[InferenceServices]):
    """Answers the events of other functions: by their deadline, and with the class of an error."""

    @override
    def _deadline(self, event: Mapping[str, Any], context: Context) -> Deadline:
        own, told = Deadline.of(context, SAFETY_MARGIN), event["requestContext"].get(remote.DEADLINE)
        return own if told is None else min(own, Deadline.at_moment(told))

    @override
    def _failure(self, event: Mapping[str, Any], error: TriptychError, record: RequestRecord) -> Response:
        response = super()._failure(event, error, record)
        headers = {**response.headers, remote.ERROR: type(error).__name__}
        return Response(response.status, response.body, response.content_type, headers)


def _of_the_latest(endpoint: Endpoint[InferenceServices]) -> Endpoint[InferenceServices]:
    """Makes an endpoint look again for a model that it does not know: another function has seen it."""

    def answer(services: InferenceServices, request: Request) -> Response:
        try:
            return endpoint(services, request)
        except NotFound:
            services.repository.expire(request.path["model"])
            return endpoint(services, request)

    return answer


@_of_the_latest
def describe(services: InferenceServices, request: Request) -> Response:
    """Returns what a session tells of its model, which is opened for that."""
    try:
        session = model_of(services, request).session
    except (ModelUnavailable, NotSupported) as error:
        # The front says which version it was that cannot be loaded.
        raise error.__cause__ if isinstance(error.__cause__, TriptychError) else error from None
    return json_response(remote.describe(cast("GraphSession", session)))  # nothing is in front of it here


@_of_the_latest
def infer(services: InferenceServices, request: Request) -> Response:
    """Runs a model on its own tensors."""
    return inference.infer(services, request)


ROUTES: Routes[InferenceServices] = {
    ("GET", remote.VERSION_ROUTE): describe,
    ("POST", remote.INFER_ROUTE): infer,
}
