"""Query parameters: those that a route has, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from triptych.errors import BadRequest
from triptych.http.routes import QUERY, batch_routes, check_query, job_routes, realtime_routes

from api.document import operations, resolve
from tests.support.contract import DOCUMENT
from tests.support.realtime import Call, RealtimeFunction

PREDICT = ("POST", "/v2/models/{model}/predict")


def documented() -> dict[tuple[str, str], set[str]]:
    """Returns the query parameters of each route of the document that has any."""
    found: dict[tuple[str, str], set[str]] = {}
    for (method, path), operation in operations(DOCUMENT).items():
        listed = [*DOCUMENT["paths"][path].get("parameters", []), *operation.get("parameters", [])]
        for parameter in (resolve(DOCUMENT, entry) for entry in listed):
            if parameter["in"] == "query":
                found.setdefault((method, path), set()).add(parameter["name"])
    return found


def test_document() -> None:
    """The document and the handlers agree on the parameters of every route."""
    assert documented() == {route: set(names) for route, names in QUERY.items()}
    assert {*QUERY} <= {*realtime_routes(), *job_routes(), *batch_routes()}


@pytest.mark.parametrize(
    ("route", "name", "message"),
    [
        (PREDICT, "jion", "unknown option 'jion' (did you mean 'join'?); options are join, outputs"),
        (PREDICT, "JOIN", "unknown option 'JOIN' (did you mean 'join'?)"),
        (PREDICT, "wait", "unknown option 'wait'; options are join, outputs"),
        (("POST", "/v2/models/{model}/infer"), "join", "unknown option 'join'; options are raw"),
        (("POST", "/v2/models/{model}/jobs"), "time-to-live", "did you mean 'time_to_live'?"),
        (("POST", "/v2/uploads"), "target", "unknown option 'target'; there are no options here"),
        (("GET", "/v2/jobs"), "state", "unknown option 'state' (did you mean 'status'?)"),
        (("GET", "/v2/batches"), "state", "unknown option 'state' (did you mean 'status'?)"),
        (("GET", "/v2/batches"), "limits", "unknown option 'limits' (did you mean 'limit'?)"),
        (("GET", "/v2/batches/{id}"), "wiat", "unknown option 'wiat' (did you mean 'wait'?)"),
        (("POST", "/v2/batches"), "dry_run", "unknown option 'dry_run'; there are no options here"),
        (("GET", "/v2/models/{model}/predictions/{key}"), "day", "unknown option 'day'; there are no"),
    ],
)
def test_unknown(route: tuple[str, str], name: str, message: str) -> None:
    """A parameter that a route does not have is refused; the message has the nearest that it has."""
    with pytest.raises(BadRequest) as caught:
        check_query(*route, [name])
    assert message in str(caught.value)


def test_signed_urls() -> None:
    """What signs a URL for IAM is no parameter of the route."""
    check_query(*PREDICT, ["join", "X-Amz-Signature", "X-Amz-Algorithm", "x-amz-security-token"])


def test_function(tmp_path: Path) -> None:
    """The function refuses what it would ignore, whatever else the request says."""
    call = Call(*PREDICT, {"model": "m"}, query={"jion": "x"})
    answer = RealtimeFunction(tmp_path).handle(call.event())
    assert (
        400,
        "unknown option 'jion' (did you mean 'join'?); options are join, outputs, delimiter, raw",
    ) == (
        answer.status,
        answer.error,
    )
