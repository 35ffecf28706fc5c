"""A store of open models."""

from __future__ import annotations

from triptych.aws.telemetry import Observer
from triptych.models.config import SessionSettings, Weights
from triptych.models.loader import LoadEvents
from triptych.models.memory import anonymous_memory
from triptych.models.repository import ModelRepository
from triptych.models.session import open_session
from triptych.models.store import ModelStore
from triptych.settings import Settings

_SHARE_FOR_MODELS = 0.6
"""Part of the memory that open models may take; the rest is for Python, a request and its answer."""


def model_store(
    repository: ModelRepository,
    settings: Settings,
    observer: Observer,
    weights: Weights,
) -> ModelStore:
    """Makes the store.

    Args:
        repository: Knows which models there are.
        settings: Settings of the function.
        observer: Is told about every model that is opened.
        weights: How weights are held where a model does not say.
    """
    return ModelStore(
        repository,
        open_session=open_session,
        defaults=SessionSettings(threads=settings.threads, weights=weights),
        memory_budget=int(settings.memory_megabytes * 2**20 * _SHARE_FOR_MODELS),
        process_memory=anonymous_memory,
        events=LoadEvents(
            loaded=lambda model: observer.model_loaded(model.name, model.version, model.load_milliseconds),
            failed=lambda name, version, error: observer.model_failed(name, version, str(error)),
        ),
    )
