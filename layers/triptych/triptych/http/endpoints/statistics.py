"""Statistics of this execution environment."""

from __future__ import annotations

from typing import Any

from triptych.http.request import Request
from triptych.http.response import Response, json_response
from triptych.http.services import Services


def every_model(services: Services, _request: Request) -> Response:
    """Tells what every model version that was run here has done."""
    return _answer(services, services.statistics.versions())


def one_model(services: Services, request: Request) -> Response:
    """Tells what a model's versions have done here.

    Raises:
        NotFound: There is no such model or version.
    """
    name, version = request.path["model"], request.version()
    listing = services.repository.listing(name)
    candidates = listing.all() if version is None else [listing.one(version)]
    return _answer(services, [(name, candidate.stored.version) for candidate in candidates])


def _answer(services: Services, versions: list[tuple[str, int]]) -> Response:
    return json_response({"model_stats": [_entry(services, *version) for version in versions]})


def _entry(services: Services, name: str, version: int) -> dict[str, Any]:
    statistics = services.statistics.of_version(name, version)
    return {"name": name, "version": str(version), **statistics.as_json()}
