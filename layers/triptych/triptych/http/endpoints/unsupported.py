"""Parts of the protocol that mean nothing on Lambda: refused in the protocol's own form."""

from __future__ import annotations

from triptych.errors import NotSupported
from triptych.http.application import Endpoint
from triptych.http.request import Request
from triptych.http.response import Response
from triptych.http.services import Services


def refused(reason: str) -> Endpoint[Services]:
    """Makes an endpoint that answers 501 with the reason."""

    def endpoint(_services: Services, _request: Request) -> Response:
        raise NotSupported(reason)

    return endpoint


loading = refused("models load by themselves on first use; put a new version into the repository instead")
shared_memory = refused(
    "there is no shared memory between a client and a function; send tensors in the request"
)
tracing = refused("trace settings are not supported; every request is traced by X-Ray")
logging = refused("log settings are not supported at run time; they are parameters of the stack")
