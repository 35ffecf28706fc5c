"""The function that takes batches, tells about them, and looks predictions up over HTTP."""

from __future__ import annotations

from triptych.aws.clients import AwsClients
from triptych.aws.queue import SqsQueue
from triptych.aws.workflow import StepFunctions
from triptych.batches.dry_run import DryRun, Workers
from triptych.batches.finalize import BatchEndings, BatchLedger
from triptych.batches.lookup import Lookup
from triptych.batches.notification import batch_notifier
from triptych.batches.opening import descriptions
from triptych.batches.planner import Selection
from triptych.batches.service import BatchDesk, BatchSubmitter
from triptych.batches.starting import Starter
from triptych.batches.store import DynamoBatches
from triptych.batches.telemetry import BatchTelemetry
from triptych.clock import Clock
from triptych.http.application import Application
from triptych.http.batch_routes import BATCH_ROUTES
from triptych.http.batch_services import BatchServices
from triptych.settings import BatchSettings, Settings, batches_from_environment, from_environment
from triptych.wiring.batching import batch_places, lookup_rate
from triptych.wiring.keeping import wall_clock
from triptych.wiring.places import model_repository
from triptych.wiring.start_up import start_up_seconds


def batches_application(
    settings: Settings | None = None, batches: BatchSettings | None = None, clock: Clock = wall_clock
) -> Application[BatchServices]:
    """Makes the application.

    Args:
        settings: The function's settings; read from the environment when not given.
        batches: Its settings for batches; read from the environment when not given.
        clock: Tells the time.
    """
    settings, batches = settings or from_environment(), batches or batches_from_environment()
    clients = AwsClients()
    telemetry = BatchTelemetry(*settings.telemetry)
    places = batch_places(clients, settings, batches, clock)
    store = DynamoBatches(clients, batches.table, batches.retention, clock)
    ledger = BatchLedger(store)
    endings = BatchEndings(
        store, ledger, batch_notifier(clients, batches.topic_arn, batches.region), telemetry, clock
    )
    workflow = StepFunctions(clients, batches.state_machine_arn)
    starter = Starter(ledger, workflow, SqsQueue(clients, batches.queue_url), clock)
    repository = model_repository(settings)
    workers = Workers(batches.chunk_bytes, batches.worker_memory, batches.concurrency, lookup_rate(batches))
    services = BatchServices(
        repository=repository,
        submitter=BatchSubmitter(store, starter, endings, telemetry, clock),
        dry_run=DryRun(places.inputs, Selection(places).looks, descriptions(repository), workers),
        desk=BatchDesk(store, starter, endings, workflow, clock),
        lookup=Lookup(places.predictions),
        outputs=places.outputs,
        work=places.work,
        clock=clock,
    )
    return Application(BATCH_ROUTES, services, telemetry, start_up_seconds(settings))
