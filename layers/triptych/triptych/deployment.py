"""What the functions are made of: a `Deployment` builds each part when it is first asked for.

Every import of a part stands beside it: a function imports only what it is made of, and its cold start is
as short as that. A test sets a part of its own before the first use: `deployment.pool = InTurn()`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import triptych
from triptych.clock import Clock, Deadline, wall_clock
from triptych.settings import (
    BatchSettings,
    JobSettings,
    Settings,
    batches_from_environment,
    from_environment,
    jobs_from_environment,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from triptych.aws.bucket import Bucket
    from triptych.aws.clients import AwsClients
    from triptych.aws.consumer import SqsTrigger
    from triptych.aws.queue import Queue
    from triptych.aws.telemetry import Telemetry
    from triptych.batches.events import BatchTrigger
    from triptych.batches.lookup import LookupRate
    from triptych.batches.service import BatchService
    from triptych.batches.steps import FileSteps, WorkflowSteps
    from triptych.batches.store import BatchStorage
    from triptych.batches.telemetry import BatchTelemetry
    from triptych.http.application import Application
    from triptych.http.batches import BatchServices
    from triptych.http.jobs import JobServices
    from triptych.http.models import InferenceServices
    from triptych.jobs.consumer import Consumer
    from triptych.jobs.job import Job
    from triptych.jobs.reaper import Keeper
    from triptych.jobs.store import JobStorage
    from triptych.jobs.submission import OptionLimits
    from triptych.jobs.telemetry import JobTelemetry
    from triptych.lifecycle.finalize import Finalizer
    from triptych.models.config import ModelConfig, SessionSettings, Weights
    from triptych.models.disk_cache import ModelCache
    from triptych.models.model import Model, ModelSession, OpenSession, VersionFiles
    from triptych.models.repository import ModelRepository
    from triptych.models.storage import ModelStorage
    from triptych.models.store import ModelStore

_LOGGER = logging.getLogger("triptych")
_S3 = "s3://"
SHARE_FOR_MODELS = 0.6
"""Part of the memory that open models may take; the rest is for Python, a request and its answer."""


class Deployment:
    """The functions and their parts, in one environment.

    Methods make functions; properties are parts, of which there is one each. Clients of AWS are made when
    they are first called.

    Args:
        settings: Settings of the function; read from the environment when not given.
        jobs: Settings for jobs; read from the environment when not given and asked for.
        batches: Settings for batches; read from the environment when not given and asked for.
        clock: Returns the milliseconds since 1970.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        jobs: JobSettings | None = None,
        batches: BatchSettings | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._settings = settings
        self._job_settings = jobs
        self._batch_settings = batches
        self._clock = clock

    # ------------------------------------------------------------------------------------- functions

    def realtime(self, documents: Path) -> Application[InferenceServices]:
        """Makes the function that answers in real time, and opens the models that are to be open early.

        Args:
            documents: Directory that holds the API's documents.
        """
        from triptych.aws.telemetry import Telemetry
        from triptych.http.application import Application
        from triptych.http.models import InferenceServices
        from triptych.http.routes import realtime_routes
        from triptych.models.statistics import Statistics

        self._bound_memory()
        telemetry = Telemetry(*self.settings.telemetry)
        # A caller waits for the first answer: weights stay on disk until they are needed.
        store = self._model_store(telemetry, "mapped")
        store.preload(self.settings.preload)
        services = InferenceServices(self.repository, store, Statistics(), documents)
        return Application(realtime_routes(), services, telemetry, self.start_up_seconds())

    def inference(self) -> Application[InferenceServices]:
        """Makes the function that runs models for those which have none."""
        from triptych.aws.telemetry import Telemetry
        from triptych.http.models import InferenceServices
        from triptych.http.remote import ROUTES, InferenceApplication
        from triptych.models.statistics import Statistics

        self._bound_memory()
        telemetry = Telemetry(*self.settings.telemetry)
        store = self._model_store(telemetry, "mapped", raw=True)
        store.preload(self.settings.preload)
        services = InferenceServices(self.repository, store, Statistics(), documents=Path())
        return InferenceApplication(ROUTES, services, telemetry)

    def jobs(self) -> Application[JobServices]:
        """Makes the function that accepts jobs and answers questions about them."""
        from triptych.http.application import Application
        from triptych.http.jobs import JobServices
        from triptych.http.routes import job_routes
        from triptych.jobs.service import JobService

        telemetry = self.job_telemetry
        services = JobServices(
            repository=self.repository,
            jobs=JobService(self.job_storage, self.job_finalizer, self.jobs_queue, telemetry, self._clock),
            storage=self.job_storage,
            limits=self.job_limits,
            clock=self._clock,
        )
        return Application(job_routes(), services, telemetry, self.start_up_seconds())

    def job_worker(self) -> SqsTrigger:
        """Makes the function that runs jobs."""
        from triptych.aws.consumer import SqsTrigger
        from triptych.inference.adaptive_batching import AdaptiveBatcher
        from triptych.jobs.attempts import Attempts, Limit
        from triptych.jobs.large import LargeRunner
        from triptych.jobs.runner import Runner
        from triptych.jobs.worker import Worker

        self._bound_memory()
        threading.stack_size(2**20)  # each thread's counts in full against the bound, whatever it uses
        telemetry, storage = self.job_telemetry, self.job_storage
        # Nobody waits for the first answer, and batches are large: weights are laid out for speed.
        models = self._model_store(telemetry, "prepacked")
        scratch = self.settings.cache.with_name("triptych-jobs")
        limit = Limit(self.job_settings.max_attempts, self.dead_letter_queue)
        large = LargeRunner(storage, models, telemetry, scratch)
        worker = Worker(
            self._job_consumer(self.jobs_queue),
            Attempts(storage, self.job_finalizer, limit, telemetry, self._clock),
            Runner(models, AdaptiveBatcher(_log_refused), telemetry, large),
            telemetry,
            self.pool,
        )
        return SqsTrigger(worker.process, self.jobs_queue, telemetry)

    def job_keeper(self) -> Keeper:
        """Makes the function that ends jobs which nobody else ends: those of dead letters, and by sweeps."""
        from triptych.jobs.reaper import Keeper, Reaper

        telemetry, consumer = self.job_telemetry, self._job_consumer(self.dead_letter_queue)
        reaper = Reaper(consumer, self.job_storage, self.job_finalizer, telemetry, self._clock)
        return Keeper(reaper, self.dead_letter_queue, telemetry)

    def uploads(self) -> BatchTrigger:
        """Makes the function that transforms dropped files, and starts batches that others asked for."""
        from triptych.batches.events import BatchTrigger
        from triptych.batches.uploads import UploadLimits, Uploads

        self._bound_memory()
        limits = UploadLimits(self.batch_settings.direct_bytes, self.batch_settings.max_attempts)
        uploads = Uploads(self.batch_storage, self.batch_service, self.file_steps, limits, self._clock)
        return BatchTrigger(uploads, self.batch_service, self.batch_queue, self.batch_telemetry)

    def steps(self) -> WorkflowSteps:
        """Makes the function of the state machine: each message names its step."""
        from triptych.batches.steps import WorkflowSteps

        self._bound_memory()
        return WorkflowSteps(
            self.batch_storage, self.batch_service, self.file_steps, self.batch_telemetry, self._clock
        )

    def batches(self) -> Application[BatchServices]:
        """Makes the function that accepts batches, answers questions about them, and looks predictions up."""
        from triptych.batches.dry_run import DryRun, Workers
        from triptych.batches.find import descriptions
        from triptych.http.application import Application
        from triptych.http.batches import BatchServices
        from triptych.http.routes import batch_routes

        settings, storage = self.batch_settings, self.batch_storage
        workers = Workers(
            settings.chunk_bytes, settings.worker_memory, settings.concurrency, self.lookup_rate
        )
        services = BatchServices(
            repository=self.repository,
            batches=self.batch_service,
            dry_run=DryRun(storage, descriptions(self.repository), workers),
            predictions=storage.predictions,
            outputs=storage.outputs,
            clock=self._clock,
        )
        return Application(batch_routes(), services, self.batch_telemetry, self.start_up_seconds())

    def start_up_seconds(self) -> float:
        """Measures how long the function took to start; called when it is ready.

        Lambda counts the time of a request from when the function is ready, API Gateway from when it came.

        Returns:
            Seconds that the first request has waited; 0 where functions are started ahead of requests.
        """
        return time.monotonic() - triptych.LOADED_AT if self.settings.on_demand else 0.0

    def _bound_memory(self) -> None:
        """Makes what is too large fail in the process; bounds nothing where the settings name no memory."""
        from triptych.models.memory import bound_memory
        from triptych.protocol.compression import PLAIN_LIMIT

        if self.settings.bounded:
            bound_memory(self.settings.memory_megabytes << 20)
            PLAIN_LIMIT.follow(self.settings.memory_megabytes)

    # -------------------------------------------------------------------------------- settings, clients

    @cached_property
    def settings(self) -> Settings:
        """Settings of the function."""
        return self._settings or from_environment()

    @cached_property
    def job_settings(self) -> JobSettings:
        """Settings for jobs."""
        return self._job_settings or jobs_from_environment()

    @cached_property
    def batch_settings(self) -> BatchSettings:
        """Settings for batches."""
        return self._batch_settings or batches_from_environment()

    @cached_property
    def clients(self) -> AwsClients:
        """Clients of AWS."""
        from triptych.aws.clients import AwsClients

        return AwsClients()

    # ------------------------------------------------------------------------------------------ models

    @cached_property
    def repository(self) -> ModelRepository:
        """The models that there are."""
        from triptych.models.repository import ModelRepository

        storages = [self._model_storage(address) for address in self.settings.storages]
        return ModelRepository(storages, self.settings.refresh_seconds)

    def _model_storage(self, address: str) -> ModelStorage:
        if not address.startswith(_S3):
            from triptych.models.storage import DirectoryStorage

            return DirectoryStorage(Path(address))
        from triptych.aws.bucket_reader import BucketReader
        from triptych.models.bucket import MODELS, BucketStorage

        name, _, prefix = address.removeprefix(_S3).partition("/")

        def by_boto3() -> Bucket:
            from triptych.aws.bucket import Bucket

            return Bucket(self.clients, name, MODELS)

        graphs = not self.settings.inference_function
        reader = BucketReader(name, MODELS, by_boto3)
        return BucketStorage(reader, prefix, self.model_cache, graphs=graphs)

    @cached_property
    def model_cache(self) -> ModelCache:
        """Models from S3 on the disk, those of all buckets within its size."""
        from triptych.models.disk_cache import ModelCache

        return ModelCache(self.settings.cache)

    @cached_property
    def open_session(self) -> OpenSession:
        """Opens a version that is on the disk."""
        from triptych.tasks.open import open_session

        return open_session

    @cached_property
    def open_graph(self) -> OpenSession:
        """Opens the graph of a version that is on the disk, without what stands in front of it."""
        from triptych.models.session import open_session
        from triptych.models.storage import graph_in

        return lambda files, _, settings: open_session(graph_in(files.directory), settings)

    @cached_property
    def inference_function(self) -> Callable[[bytes, Deadline], bytes]:
        """The function that runs models for this one."""
        from triptych.aws.invocation import RemoteFunction

        return RemoteFunction(self.settings.inference_function, "the inference function")

    def _open_remote(self, telemetry: Telemetry) -> OpenSession:
        """Makes what opens versions that another function runs; their tasks and code are here.

        Args:
            telemetry: Knows what is being answered.
        """
        from triptych.inference.carried import CarriedSession
        from triptych.models.model import Model
        from triptych.models.remote import Caller, RemoteSession
        from triptych.tasks.open import in_front_of

        caller = Caller(self.inference_function, lambda: telemetry.request_id)

        def open_session(files: VersionFiles, config: ModelConfig, _: SessionSettings) -> ModelSession:
            session = RemoteSession(caller, files.model, files.version)
            model = Model(files.model, files.version, config.raw, session)
            return in_front_of(CarriedSession(model, session), files, config)

        return open_session

    def _model_store(self, telemetry: Telemetry, weights: Weights, *, raw: bool = False) -> ModelStore:
        """Makes the store of open models.

        Args:
            telemetry: Writes a line for every model that is opened.
            weights: How weights are held where a model does not say.
            raw: Whether only the models' own tensors are served.
        """
        from triptych.models.config import SessionSettings
        from triptych.models.loader import LoadEvents, Runtime
        from triptych.models.memory import MemoryBudget
        from triptych.models.store import ModelStore

        if raw:
            open_session = self.open_graph
        elif self.settings.inference_function:
            open_session = self._open_remote(telemetry)
        else:
            open_session = self.open_session
        return ModelStore(
            self.repository,
            Runtime(open_session, SessionSettings(self.settings.threads, weights), raw),
            MemoryBudget(int(self.settings.memory_megabytes * 2**20 * SHARE_FOR_MODELS)),
            LoadEvents(telemetry.model_loaded, telemetry.model_failed),
        )

    # -------------------------------------------------------------------------------------------- jobs

    @cached_property
    def job_telemetry(self) -> JobTelemetry:
        """Logs and metrics of jobs."""
        from triptych.jobs.telemetry import JobTelemetry

        return JobTelemetry(*self.settings.telemetry)

    @cached_property
    def job_storage(self) -> JobStorage:
        """Jobs, their inputs and their results."""
        from triptych.jobs.inputs import InputStore
        from triptych.jobs.results import ResultStore
        from triptych.jobs.store import JobStorage, JobStore

        settings, clients = self.job_settings, self.clients
        return JobStorage(
            JobStore(clients, settings.table, settings.retention),
            InputStore(clients, settings.inputs_bucket, settings.allowed_buckets),
            ResultStore(clients, settings.results_bucket, settings.inline_result_size),
        )

    @cached_property
    def jobs_queue(self) -> Queue:
        """The queue of jobs."""
        from triptych.aws.queue import Queue

        return Queue(self.clients, self.job_settings.queue_url)

    @cached_property
    def dead_letter_queue(self) -> Queue:
        """The queue of the messages of jobs that are given up."""
        from triptych.aws.queue import Queue

        return Queue(self.clients, self.job_settings.dead_letters_url)

    @cached_property
    def job_finalizer(self) -> Finalizer[Job]:
        """Finalizes jobs, and notifies of their end."""
        from triptych.jobs.document import job_finalizer, job_notifier

        notifier = job_notifier(self.clients, self.job_settings.topic_arn, self.job_settings.region)
        return job_finalizer(self.job_storage, notifier)

    @cached_property
    def job_limits(self) -> OptionLimits:
        """What the options of a job may be."""
        from triptych.jobs.submission import MAX_TIME_TO_LIVE, OptionLimits

        longest = min(self.job_settings.retention, MAX_TIME_TO_LIVE)
        return OptionLimits(min(self.job_settings.time_to_live, longest), longest)

    def _job_consumer(self, queue: Queue) -> Consumer:
        """Makes what receives messages of a queue, and finds their jobs."""
        from triptych.jobs.consumer import Consumer

        first_delay = self.job_settings.retry_seconds
        return Consumer(self.job_storage, queue, self.job_limits, first_delay, self._clock)

    @cached_property
    def pool(self) -> Executor:
        """Threads of the worker, for calls that wait for the network."""
        from concurrent.futures import ThreadPoolExecutor

        from triptych.jobs.worker import THREADS

        return ThreadPoolExecutor(THREADS, thread_name_prefix="jobs")

    # ----------------------------------------------------------------------------------------- batches

    @cached_property
    def batch_telemetry(self) -> BatchTelemetry:
        """Logs and metrics of batches."""
        from triptych.batches.telemetry import BatchTelemetry

        return BatchTelemetry(*self.settings.telemetry)

    @cached_property
    def batch_storage(self) -> BatchStorage:
        """Where batches and their files are stored."""
        from triptych.aws.bucket import Bucket
        from triptych.batches.lookup import PredictionStore
        from triptych.batches.store import BatchStorage, BatchStore

        settings, clients = self.batch_settings, self.clients
        scratch = self.settings.cache.with_name("triptych-batches")
        bucket = partial(Bucket, clients, scratch=scratch, bulk=True)
        return BatchStorage(
            batches=BatchStore(clients, settings.table, settings.retention, self._clock),
            inputs=bucket(settings.inputs_bucket),
            outputs=bucket(settings.outputs_bucket),
            work=bucket(settings.work_bucket),
            predictions=PredictionStore(
                clients, settings.predictions_table, settings.lookup_days, self._clock
            ),
            images={name: bucket(name) for name in settings.image_buckets},
        )

    @cached_property
    def batch_service(self) -> BatchService:
        """Accepts, starts and ends batches."""
        from triptych.aws.workflow import Workflow
        from triptych.batches.document import batch_notifier
        from triptych.batches.service import BatchService, StateMachine
        from triptych.lifecycle.finalize import Finalizer

        settings, storage = self.batch_settings, self.batch_storage
        notifier = batch_notifier(self.clients, settings.topic_arn, settings.region)
        finalizer = Finalizer(storage.batches, notifier)
        workflow = Workflow(self.clients, settings.state_machine_arn)
        machine = StateMachine(workflow, self.batch_queue)
        return BatchService(storage, finalizer, machine, self.batch_telemetry, self._clock)

    @cached_property
    def batch_queue(self) -> Queue:
        """The queue of uploads."""
        from triptych.aws.queue import Queue

        return Queue(self.clients, self.batch_settings.queue_url)

    @cached_property
    def lookup_rate(self) -> LookupRate:
        """How fast predictions are written for lookups, and by how many."""
        from triptych.batches.lookup import LookupRate

        settings = self.batch_settings
        return LookupRate(settings.lookup_rate, settings.upload_concurrency, settings.concurrency)

    @cached_property
    def file_steps(self) -> FileSteps:
        """What happens to the files of batches."""
        from triptych.batches.chunk import Transformer
        from triptych.batches.finish import Finisher
        from triptych.batches.plan import Planner
        from triptych.batches.steps import FileSteps

        storage, telemetry = self.batch_storage, self.batch_telemetry
        # Nobody waits for the first answer, and there are many rows: weights are laid out for speed.
        models = self._model_store(telemetry, "prepacked").get
        finisher = Finisher(storage, telemetry, self.settings.memory_megabytes, self._clock)
        return FileSteps(
            planner=Planner(storage, models, finisher, self.batch_settings.chunk_bytes),
            transformer=Transformer(storage, models, telemetry, self.lookup_rate),
            finisher=finisher,
        )


def _log_refused(model: Model) -> None:
    _LOGGER.warning(
        "model %s, version %s: its rows are not independent, so its jobs run one by one; "
        "group = false under [jobs] in model.toml says so without a trial",
        model.name,
        model.version,
    )
