"""Every path and method of batches, and what answers it. The template's API events are the same list."""

from __future__ import annotations

from triptych.http.application import Routes
from triptych.http.batch_services import BatchServices
from triptych.http.endpoints import batches, predictions

BATCH_ROUTES: Routes[BatchServices] = {
    ("POST", "/v2/batches"): batches.submit,
    ("GET", "/v2/batches"): batches.newest,
    ("GET", "/v2/batches/{id}"): batches.one,
    ("DELETE", "/v2/batches/{id}"): batches.cancel,
    ("POST", "/v2/batches/{id}/redrive"): batches.redrive,
    ("GET", "/v2/models/{model}/predictions/{key}"): predictions.one,
    ("POST", "/v2/models/{model}/predictions:lookup"): predictions.many,
}
