"""The model that a request names in its path."""

from __future__ import annotations

from triptych.http.request import Request
from triptych.http.services import Services
from triptych.models.model import Model


def model_of(services: Services, request: Request) -> Model:
    """Gives the open model that the path names, and notes it for logs and metrics.

    Raises:
        BadRequest: The version is not a number.
        NotFound: There is no such model or version.
        ModelLoading: It is being opened, for longer than the request has time.
        ModelUnavailable: It cannot be opened.
        NotSupported: It uses types that the protocol cannot carry.
        RepositoryUnavailable: The repository cannot be read now.
    """
    model = services.store.get(request.path["model"], request.version(), request.deadline)
    request.record.model = model.name
    request.record.version = model.version
    return model
