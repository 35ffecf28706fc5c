"""The HTTP application: one event in, one answer out, whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from triptych.aws.telemetry import RequestRecord, Telemetry
from triptych.clock import Context, Deadline
from triptych.errors import NO_MEMORY, MethodNotAllowed, NotFound, PayloadTooLarge, TriptychError
from triptych.http.request import Request, body_of, caller_of, headers_of
from triptych.http.response import Response, json_response, proxy_result
from triptych.http.routes import Endpoint, Routes, check_query

Result = dict[str, Any]

SAFETY_MARGIN = 1.0
"""Seconds kept for writing the answer, so that the function never dies of its own timeout."""


class Application[S]:
    """Answers API Gateway events.

    Args:
        routes: Endpoints by method and resource.
        services: What they work with.
        telemetry: Is notified of every request.
        waited: Seconds that the first caller has waited already, for the function to start.
    """

    def __init__(self, routes: Routes[S], services: S, telemetry: Telemetry, waited: float = 0.0) -> None:
        self._routes = routes
        self._services = services
        self._telemetry = telemetry
        self._waited = waited
        self._resources = {resource for _, resource in routes}

    def __call__(self, event: Mapping[str, Any], context: Context) -> Result:
        """Answers one event.

        Args:
            event: API Gateway REST proxy event.
            context: Lambda's context.
        """
        started = perf_counter()
        deadline = self._deadline(event, context)
        record = _new_record(event, context)
        self._telemetry.request_started(record.request_id)
        result = self._result(event, deadline, record)
        record.status = result["statusCode"]
        record.response_bytes = len(result["body"])
        record.milliseconds = (perf_counter() - started) * 1000
        self._telemetry.request_ended(record)
        return result

    def _deadline(self, _event: Mapping[str, Any], context: Context) -> Deadline:
        """Returns when the answer must be ready: for Lambda, and for the gateway, which counts the start."""
        waited, self._waited = self._waited, 0.0
        return Deadline.of(context, SAFETY_MARGIN + waited)

    def _result(self, event: Mapping[str, Any], deadline: Deadline, record: RequestRecord) -> Result:
        headers = headers_of(event)
        try:
            response = self._call(event, headers, deadline, record)
            return proxy_result(response, headers.get("accept-encoding"))
        except TriptychError as error:
            response = self._failure(event, error, record)
        except MemoryError:
            response = self._failure(event, PayloadTooLarge(NO_MEMORY), record)
        except Exception as error:  # noqa: BLE001 - the edge: the caller gets an answer, the log the trace
            self._telemetry.unexpected(error)
            internal = TriptychError(f"internal error; request {record.request_id}")
            response = self._failure(event, internal, record)
            record.error = type(error).__name__
        return proxy_result(response, None)

    def _failure(self, event: Mapping[str, Any], error: TriptychError, record: RequestRecord) -> Response:
        from triptych.http.failures import failure_body  # noqa: PLC0415 - most starts do without

        record.error = error.kind
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return json_response(failure_body(event["resource"], error), error.status, headers)

    def _call(
        self, event: Mapping[str, Any], headers: Mapping[str, str], deadline: Deadline, record: RequestRecord
    ) -> Response:
        method, resource = event["httpMethod"], event["resource"]
        endpoint = self._routes.get((method, resource)) or self._no_route(method, resource)
        body = body_of(event)
        record.request_bytes = len(body)
        path = event.get("pathParameters") or {}
        query = event.get("queryStringParameters") or {}
        check_query(method, resource, query)
        request = Request(method, resource, path, query, headers, body, deadline, record, caller_of(event))
        return endpoint(self._services, request)

    def _no_route(self, method: str, resource: str) -> Endpoint[S]:
        if resource in self._resources:
            raise MethodNotAllowed(f"{resource} does not take {method}; see /docs")
        raise NotFound(f"there is no {resource}; see /docs")


def _new_record(event: Mapping[str, Any], context: Context) -> RequestRecord:
    gateway = event.get("requestContext") or {}
    return RequestRecord(
        request_id=gateway.get("requestId") or context.aws_request_id,
        route=f"{event['httpMethod']} {event['resource']}",
    )
