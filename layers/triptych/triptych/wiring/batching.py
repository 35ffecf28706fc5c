"""Where batches are kept, what they go through, and who is told how they end."""

from __future__ import annotations

from typing import NamedTuple

from triptych.aws.bucket import S3Objects
from triptych.aws.clients import AwsClients
from triptych.aws.queue import SqsQueue
from triptych.aws.workflow import StepFunctions
from triptych.batches.chunk import Limits, Transformer
from triptych.batches.finalize import BatchEndings, BatchLedger
from triptych.batches.finisher import Finisher
from triptych.batches.lookup import DynamoPredictions, LookupRate
from triptych.batches.notification import batch_notifier
from triptych.batches.places import Places
from triptych.batches.planner import Planner
from triptych.batches.starting import Starter
from triptych.batches.store import DynamoBatches
from triptych.batches.telemetry import BatchTelemetry
from triptych.batches.uploads import Steps
from triptych.clock import Clock
from triptych.settings import BatchSettings, Settings
from triptych.wiring.memory import stay_within_memory
from triptych.wiring.open_models import model_store
from triptych.wiring.places import model_repository

_DAY = 86_400


class Batching(NamedTuple):
    """What every function that deals with files of batches works with.

    Attributes:
        places: Where files are read and written.
        store: Keeps records.
        ledger: Moves batches.
        steps: What batches go through.
        queue: Where uploads are told.
        telemetry: Makes logs and metrics.
    """

    places: Places
    store: DynamoBatches
    ledger: BatchLedger
    steps: Steps
    queue: SqsQueue
    telemetry: BatchTelemetry


def batching(settings: Settings, batches: BatchSettings, clock: Clock) -> Batching:
    """Makes what functions that deal with files of batches work with, but no client before it is used.

    Args:
        settings: The function's settings.
        batches: Its settings for batches.
        clock: Tells the time.
    """
    stay_within_memory(settings)
    clients = AwsClients()
    telemetry = BatchTelemetry(*settings.telemetry)
    places = batch_places(clients, settings, batches, clock)
    store = DynamoBatches(clients, batches.table, batches.retention, clock)
    ledger = BatchLedger(store)
    # Nobody waits for the first answer, and there are many rows: weights are laid out for speed.
    models = model_store(model_repository(settings), settings, telemetry, "prepacked").get
    finisher = Finisher(places, store, telemetry, settings.memory_megabytes, clock)
    notifier = batch_notifier(clients, batches.topic_arn, batches.region)
    queue = SqsQueue(clients, batches.queue_url)
    steps = Steps(
        planner=Planner(places, store, models, finisher, batches.chunk_bytes),
        transformer=Transformer(places, store, models, telemetry, Limits(lookup_rate(batches))),
        finisher=finisher,
        endings=BatchEndings(store, ledger, notifier, telemetry, clock),
        starter=Starter(ledger, StepFunctions(clients, batches.state_machine_arn), queue, clock),
    )
    return Batching(places, store, ledger, steps, queue, telemetry)


def batch_places(clients: AwsClients, settings: Settings, batches: BatchSettings, clock: Clock) -> Places:
    """Makes what gives batches their files, and predictions by key.

    Args:
        clients: Calls AWS.
        settings: The function's settings.
        batches: Its settings for batches.
        clock: Tells the time.
    """
    scratch = settings.cache.with_name("triptych-batches")
    days = batches.lookup_retention // _DAY
    return Places(
        inputs=S3Objects(clients, batches.inputs_bucket, scratch),
        outputs=S3Objects(clients, batches.outputs_bucket, scratch),
        work=S3Objects(clients, batches.work_bucket, scratch),
        predictions=DynamoPredictions(clients, batches.predictions_table, days, clock),
    )


def lookup_rate(batches: BatchSettings) -> LookupRate:
    """Tells how fast predictions are written for lookups, and by how many."""
    return LookupRate(batches.lookup_rate, batches.upload_concurrency, batches.concurrency)
