"""Predictions that batches made, by key."""

from __future__ import annotations

from urllib.parse import unquote

from triptych.errors import BadRequest
from triptych.http.batch_services import BatchServices
from triptych.http.request import Request
from triptych.http.response import Response, json_response
from triptych.protocol.json_document import parse_object
from triptych.protocol.names import check_known

MAX_KEYS = 1000
"""Keys that are looked up at once."""


def one(services: BatchServices, request: Request) -> Response:
    """Gives the latest prediction for a key."""
    key = unquote(request.path["key"])  # the gateway hands path parameters on as they were sent
    return json_response(services.lookup.one(request.path["model"], key))


def many(services: BatchServices, request: Request) -> Response:
    """Gives the latest predictions for keys, and tells which keys have none."""
    said = parse_object(request.decompressed_body())
    check_known(said, ("keys",), "field")
    keys = said.get("keys")
    if not isinstance(keys, list) or any(type(key) not in {str, int} for key in keys):
        raise BadRequest('expected {"keys": [...]}, a list of text or whole numbers')
    if not 0 < len(keys) <= MAX_KEYS:
        raise BadRequest(f"keys: expected 1 to {MAX_KEYS} keys, got {len(keys)}")
    wanted = dict.fromkeys(map(str, keys))
    return json_response(services.lookup.many(request.path["model"], list(wanted)))
