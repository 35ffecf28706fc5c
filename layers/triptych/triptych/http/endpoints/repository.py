"""The model repository's index."""

from __future__ import annotations

from typing import Any

from triptych.http.request import Request
from triptych.http.response import Response, json_response
from triptych.http.services import Services
from triptych.models.index import IndexEntry
from triptych.protocol.json_document import flag, parse_object


def index(services: Services, request: Request) -> Response:
    """Lists every version of every model with its state; `{"ready": true}` lists the ready ones only."""
    body = request.decompressed_body()
    only_ready = bool(body) and flag(parse_object(body), "ready", "the request")
    entries = services.store.index()
    shown = [entry for entry in entries if entry.state == "READY" or not only_ready]
    return json_response([_as_json(entry) for entry in shown])


def _as_json(entry: IndexEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "version": "" if entry.version is None else str(entry.version),
        "state": entry.state,
        "reason": entry.reason,
        "description": entry.description,
        "place": entry.place or "",
        "hidden": entry.hidden,
    }
