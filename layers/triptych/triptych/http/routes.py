"""Every path and method, and what answers it. The template's API events are the same list."""

from __future__ import annotations

from triptych.http.application import Endpoint, Routes
from triptych.http.endpoints import (
    documents,
    inference,
    models,
    repository,
    rows,
    server,
    statistics,
    unsupported,
)
from triptych.http.services import Services

_MODEL = "/v2/models/{model}"
_VERSION = "/v2/models/{model}/versions/{version}"


def _versioned(method: str, suffix: str, endpoint: Endpoint[Services]) -> Routes[Services]:
    return {(method, _MODEL + suffix): endpoint, (method, _VERSION + suffix): endpoint}


def _shared_memory(kind: str) -> Routes[Services]:
    every, one = f"/v2/{kind}sharedmemory", f"/v2/{kind}sharedmemory/region/{{region}}"
    paths = {
        ("GET", f"{every}/status"),
        ("GET", f"{one}/status"),
        ("POST", f"{one}/register"),
        ("POST", f"{every}/unregister"),
        ("POST", f"{one}/unregister"),
    }
    return dict.fromkeys(paths, unsupported.shared_memory)


ROUTES: Routes[Services] = {
    ("GET", "/v2"): server.metadata,
    ("GET", "/v2/health/live"): server.live,
    ("GET", "/v2/health/ready"): server.ready,
    **_versioned("GET", "", models.metadata),
    **_versioned("GET", "/ready", models.ready),
    **_versioned("GET", "/config", models.config),
    **_versioned("GET", "/stats", statistics.one_model),
    ("GET", "/v2/models/stats"): statistics.every_model,
    **_versioned("POST", "/infer", inference.infer),
    **_versioned("POST", "/predict", rows.predict),
    ("POST", "/v2/repository/index"): repository.index,
    ("POST", "/v2/repository/models/{model}/load"): unsupported.loading,
    ("POST", "/v2/repository/models/{model}/unload"): unsupported.loading,
    **_shared_memory("system"),
    **_shared_memory("cuda"),
    ("GET", "/v2/trace/setting"): unsupported.tracing,
    ("POST", "/v2/trace/setting"): unsupported.tracing,
    ("GET", "/v2/models/{model}/trace/setting"): unsupported.tracing,
    ("POST", "/v2/models/{model}/trace/setting"): unsupported.tracing,
    ("GET", "/v2/logging"): unsupported.logging,
    ("POST", "/v2/logging"): unsupported.logging,
    ("GET", "/openapi.json"): documents.openapi,
    ("GET", "/docs"): documents.page,
}
