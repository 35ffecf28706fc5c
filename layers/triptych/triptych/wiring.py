"""Puts the parts together."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from triptych.adapters.directory_place import DirectoryPlace
from triptych.adapters.process_memory import anonymous_memory, bound_memory
from triptych.adapters.telemetry import PowertoolsTelemetry
from triptych.http.application import Application
from triptych.http.routes import ROUTES
from triptych.http.services import Services
from triptych.interfaces.observer import Observer
from triptych.interfaces.place import ModelPlace
from triptych.interfaces.settings import SessionSettings
from triptych.onnx.session import open_session
from triptych.serving.loader import LoadEvents
from triptych.serving.repository import ModelRepository
from triptych.serving.statistics import Statistics
from triptych.serving.store import ModelStore
from triptych.settings import Settings, from_environment

_S3 = "s3://"
_SHARE_FOR_MODELS = 0.6
"""Part of the memory that open models may take; the rest is for Python, a request and its answer."""


def realtime_application(documents: Path, settings: Settings | None = None) -> Application:
    """Makes the application that answers in real time, and opens the models that are to be open early.

    Args:
        documents: Directory that holds the API's documents.
        settings: The function's settings; read from the environment when not given.
    """
    settings = settings or from_environment()
    if settings.bounded:
        bound_memory(settings.memory_megabytes << 20)
    telemetry = PowertoolsTelemetry(settings.service, settings.namespace, settings.log_level)
    repository = ModelRepository(_places(settings), settings.refresh_seconds)
    store = _store(repository, settings, telemetry)
    store.preload(settings.preload)
    return Application(ROUTES, Services(repository, store, Statistics(), documents), telemetry)


def _store(repository: ModelRepository, settings: Settings, observer: Observer) -> ModelStore:
    return ModelStore(
        repository,
        open_session=open_session,
        # A caller waits for the first answer: weights stay on disk until they are needed.
        defaults=SessionSettings(threads=settings.threads, weights="mapped"),
        memory_budget=int(settings.memory_megabytes * 2**20 * _SHARE_FOR_MODELS),
        process_memory=anonymous_memory,
        events=LoadEvents(
            loaded=lambda model: observer.model_loaded(model.name, model.version, model.load_milliseconds),
            failed=lambda name, version, error: observer.model_failed(name, version, str(error)),
        ),
    )


def _places(settings: Settings) -> list[ModelPlace]:
    buckets = [place for place in settings.places if place.startswith(_S3)]
    in_s3 = _s3_places(buckets, settings.cache) if buckets else {}
    return [in_s3.get(place) or DirectoryPlace(Path(place)) for place in settings.places]


def _s3_places(places: Iterable[str], cache_directory: Path) -> dict[str, ModelPlace]:
    # boto3 takes longer to import than the rest of the function: only a function with a bucket pays.
    from triptych.adapters.model_cache import ModelCache  # noqa: PLC0415
    from triptych.adapters.s3_place import S3Place  # noqa: PLC0415

    cache = ModelCache(cache_directory)
    addresses = {place: place.removeprefix(_S3).partition("/") for place in places}
    return {place: S3Place(bucket, prefix, cache) for place, (bucket, _, prefix) in addresses.items()}
