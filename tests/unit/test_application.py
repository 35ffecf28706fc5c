"""One event in, one answer out, whatever happens."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from triptych import errors
from triptych.errors import BadField, BadRows, NotUtf8, RowError, TriptychError
from triptych.http.application import SAFETY_MARGIN, Application
from triptych.http.failures import MAX_MESSAGE
from triptych.http.request import Request
from triptych.http.response import MAX_ANSWER, Response, json_response
from triptych.protocol.media_types import BINARY, JSON

from tests.support.realtime import REQUEST_ID, Call, Invocation
from tests.support.watched_requests import WatchedRequests

NO_SERVICES: Any = None  # the endpoints here work with nothing
MADE_OF_DATA = {TriptychError, BadField, RowError, BadRows, NotUtf8}
ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, TriptychError) and kind not in MADE_OF_DATA
]


def application(
    answer: Callable[[Request], Response], observer: WatchedRequests | None = None
) -> Application[Any]:
    """An application with one route, `POST /v2/models/{model}/infer`."""
    routes = {("POST", "/v2/models/{model}/infer"): lambda _services, request: answer(request)}
    return Application(routes, NO_SERVICES, observer or WatchedRequests())


def call(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of an event
    """The event of a call of that route, some of its fields changed."""
    return {**Call("POST", "/v2/models/{model}/infer", {"model": "m"}, body=b"abc").event(), **changed}


def failing(error: BaseException) -> Callable[[Request], Response]:
    """An endpoint that fails."""

    def answer(_request: Request) -> Response:
        raise error

    return answer


def remembering(seen: list[Request]) -> Callable[[Request], Response]:
    """An endpoint that remembers its requests."""

    def answer(request: Request) -> Response:
        seen.append(request)
        return json_response({})

    return answer


def message(result: dict[str, Any]) -> str:
    """The message of a failure, which is all its answer holds."""
    assert "application/json" == result["headers"]["Content-Type"]
    assert not result["isBase64Encoded"]
    body = json.loads(result["body"])
    assert {"error"} == body.keys()
    return str(body["error"])


def test_request() -> None:
    """The endpoint sees the event's parts; headers in lower case, the body decoded."""
    seen: list[Request] = []
    event = call(headers={"X-Odd-Case": "V"}, queryStringParameters={"X-Amz-Date": "20260101T000000Z"})
    application(remembering(seen))(event, Invocation())
    (request,) = seen
    assert ("POST", "/v2/models/{model}/infer") == (request.method, request.resource)
    assert ({"model": "m"}, {"X-Amz-Date": "20260101T000000Z"}) == (request.path, request.query)
    assert ({"x-odd-case": "V"}, b"abc") == (request.headers, request.body)


def test_nulls() -> None:
    """API Gateway sends null where there is nothing; a missing field is the same."""
    nothing = ("headers", "queryStringParameters", "pathParameters", "body")
    nulls = {**call(), **dict.fromkeys(nothing)}
    missing = {name: value for name, value in call().items() if name not in (*nothing, "isBase64Encoded")}
    seen: list[Request] = []
    for event in (nulls, missing):
        application(remembering(seen))(event, Invocation())
    assert 2 == len(seen)
    for request in seen:
        assert ({}, {}, {}, b"") == (request.headers, request.query, request.path, request.body)


def test_deadline() -> None:
    """The deadline leaves time for the answer; it may lie in the past."""
    seen: list[Request] = []
    for milliseconds in (28_000, 500, -100):
        application(remembering(seen))(call(), Invocation(milliseconds))
    remaining = [request.deadline.remaining + SAFETY_MARGIN for request in seen]
    assert [28, 0.5, -0.1] == pytest.approx(remaining, abs=0.2)


def test_the_first_caller_has_waited_for_the_start() -> None:
    """The gateway counts the time that the function took to start, of the request that it was started for."""
    seen: list[Request] = []
    routes = {("POST", "/v2/models/{model}/infer"): lambda _services, request: remembering(seen)(request)}
    started = Application(routes, NO_SERVICES, WatchedRequests(), waited=5)
    for _ in range(2):
        started(call(), Invocation(28_000))
    remaining = [request.deadline.remaining + SAFETY_MARGIN for request in seen]
    assert [23, 28] == pytest.approx(remaining, abs=0.2)


@pytest.mark.parametrize("kind", ERRORS)
def test_known_failures(kind: type[TriptychError]) -> None:
    """Every error of the package is answered with its status and its message; none is unexpected."""
    watching = WatchedRequests()
    result = application(failing(kind("what was wrong")), watching)(call(), Invocation())
    assert (kind.status, "what was wrong") == (result["statusCode"], message(result))
    assert [kind.kind] == [record.error for record in watching.ended]
    assert [] == watching.failures


def test_bad_rows() -> None:
    """Of several rows that are wrong, the answer tells the first."""
    result = application(failing(BadRows({3: "too long", 2: "column 'a': too short"}, ", ")))(
        call(), Invocation()
    )
    assert (400, "row 2, column 'a': too short") == (result["statusCode"], message(result))


def test_unexpected_failure() -> None:
    """Anything else is a 500 that tells nothing but the request's id; the observer gets the error."""
    watching, error = WatchedRequests(), KeyError("a secret")
    result = application(failing(error), watching)(call(), Invocation())
    assert (500, f"internal error; request {REQUEST_ID}") == (result["statusCode"], message(result))
    assert [error] == watching.failures
    assert ["KeyError"] == [record.error for record in watching.ended]


def test_out_of_memory() -> None:
    """A request that needs too much memory is too large, not an accident."""
    watching = WatchedRequests()
    result = application(failing(MemoryError()), watching)(call(), Invocation())
    assert (413, []) == (result["statusCode"], watching.failures)
    assert "more memory than the function has" in message(result)


@pytest.mark.parametrize(
    ("changed", "status", "expected"),
    [
        ({"resource": "/v2/nothing"}, 404, "there is no /v2/nothing; see /docs"),
        ({"httpMethod": "DELETE"}, 405, "/v2/models/{model}/infer does not take DELETE; see /docs"),
        ({"body": "*"}, 400, "the body is not valid base64"),
        ({"body": "A" * (6 * 2**20 + 4)}, 413, "the body exceeds what one request can carry"),
    ],
)
def test_events_that_reach_no_endpoint(changed: dict[str, Any], status: int, expected: str) -> None:
    """A wrong path, method or body is answered before any endpoint sees it."""
    result = application(failing(AssertionError()))(call(**changed), Invocation())
    assert status == result["statusCode"]
    assert message(result).startswith(expected)


@pytest.mark.parametrize("content_type", [JSON, BINARY])
def test_answer_too_large(content_type: str) -> None:
    """An answer that one call cannot carry becomes a 413 that names the way out."""
    watching = WatchedRequests()
    result = application(lambda _: Response(200, b"a" * MAX_ANSWER, content_type), watching)(
        call(), Invocation()
    )
    assert 413 == result["statusCode"]
    assert "or ask for a job: POST /v2/models/{model}/jobs" in message(result)
    assert [(413, "PayloadTooLarge")] == [(record.status, record.error) for record in watching.ended]


def test_answer_that_cannot_be_written() -> None:
    """An answer that fails on its way out is a 500 as well."""
    watching = WatchedRequests()
    result = application(lambda _: Response(200, b"\xff"), watching)(call(), Invocation())
    assert (500, 1) == (result["statusCode"], len(watching.failures))


def test_long_message_is_cut() -> None:
    """A message that quotes the request is cut: the request may be megabytes long."""
    result = application(failing(errors.BadRequest("x" * 10_000_000)))(call(), Invocation())
    assert (400, MAX_MESSAGE) == (result["statusCode"], len(message(result)))


@pytest.mark.parametrize("accepted", ["gzip;q=1.2.3", "gzip;q=", ";;;", "gzip;q=abc, *;q=.", "\x00"])
def test_garbage_in_accept_encoding(accepted: str) -> None:
    """A header that nobody can read does no harm."""
    event = call(headers={"ACCEPT-encoding": accepted})
    result = application(lambda _: json_response({"long": "x" * 5000}))(event, Invocation())
    assert (200, False) == (result["statusCode"], result["isBase64Encoded"])


def test_record() -> None:
    """The observer learns the request's id first, and in the end what it was and what became of it."""
    watching = WatchedRequests()
    application(lambda _: Response(201, b"12345"), watching)(call(), Invocation())
    assert [REQUEST_ID] == watching.started
    (record,) = watching.ended
    assert (REQUEST_ID, "POST /v2/models/{model}/infer") == (record.request_id, record.route)
    assert (201, None) == (record.status, record.error)
    assert (3, 5) == (record.request_bytes, record.response_bytes)
    assert 0 < record.milliseconds < 1000


@pytest.mark.parametrize("context", [None, {}, {"requestId": None}])
def test_id_of_the_invocation(context: dict[str, Any] | None) -> None:
    """Without a gateway's id the invocation's own stands for it."""
    watching = WatchedRequests()
    event = call(requestContext=context)
    application(lambda _: json_response({}), watching)(event, Invocation(aws_request_id="own"))
    assert ["own"] == watching.started
