"""The function that answers in real time."""

from __future__ import annotations

from pathlib import Path

from triptych.aws.telemetry import PowertoolsTelemetry
from triptych.http.application import Application
from triptych.http.routes import ROUTES
from triptych.http.services import Services
from triptych.models.statistics import Statistics
from triptych.settings import Settings, from_environment
from triptych.wiring.memory import stay_within_memory
from triptych.wiring.open_models import model_store
from triptych.wiring.places import model_repository
from triptych.wiring.start_up import start_up_seconds


def realtime_application(documents: Path, settings: Settings | None = None) -> Application[Services]:
    """Makes the application that answers in real time, and opens the models that are to be open early.

    Args:
        documents: Directory that holds the API's documents.
        settings: The function's settings; read from the environment when not given.
    """
    settings = settings or from_environment()
    stay_within_memory(settings)
    telemetry = PowertoolsTelemetry(*settings.telemetry)
    repository = model_repository(settings)
    # A caller waits for the first answer: weights stay on disk until they are needed.
    store = model_store(repository, settings, telemetry, "mapped")
    store.preload(settings.preload)
    return Application(
        ROUTES, Services(repository, store, Statistics(), documents), telemetry, start_up_seconds(settings)
    )
