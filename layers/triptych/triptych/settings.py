"""The environment of a function, read in one place."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_ADDRESS = re.compile(r"/|s3://[^/]")
_MEGABYTES_PER_PROCESSOR = 1769  # Lambda gives processors in proportion to memory


class TelemetrySettings(NamedTuple):
    """How a function logs.

    Attributes:
        service: Name of the function's part in logs and metrics.
        namespace: CloudWatch namespace of the metrics.
        log_level: Least severe level that is logged.
    """

    service: str
    namespace: str
    log_level: str


class Settings(NamedTuple):
    """Settings of a function.

    Attributes:
        storages: Where models are, in order: directories and `s3://bucket/prefix`.
        refresh_seconds: Age at which what a storage backend holds is looked up again.
        preload: Names of the models to open before the first request; `*` for all.
        memory_megabytes: Memory of the function.
        cache: Directory for models from S3.
        telemetry: How it logs.
        bounded: Whether the memory is all there is, as in Lambda, so that requests must stay within it.
        on_demand: Whether the function is started for a request, which waits; else ahead, or from a snapshot.
        inference_function: Name or ARN of the function that runs the models; empty where this one does.
    """

    storages: tuple[str, ...]
    refresh_seconds: float
    preload: tuple[str, ...]
    memory_megabytes: int
    cache: Path
    telemetry: TelemetrySettings
    bounded: bool = False
    on_demand: bool = False
    inference_function: str = ""

    @property
    def threads(self) -> int:
        """Processors that the function has."""
        return max(1, round(self.memory_megabytes / _MEGABYTES_PER_PROCESSOR))


class JobSettings(NamedTuple):
    """Settings of a function that deals with jobs.

    Attributes:
        table: Name of the table of jobs.
        queue_url: URL of the queue; empty for a function that sends nothing.
        dead_letters_url: URL of the queue of what is given up; empty for a function that uses none.
        max_attempts: Attempts that a job has.
        inputs_bucket: Bucket of inputs; empty for a function that reads and writes none.
        results_bucket: Bucket of results.
        inline_result_size: Bytes up to which a result is part of the record of its job.
        topic_arn: Topic that is told how jobs end.
        allowed_buckets: Further buckets that inputs may be read from.
        time_to_live: Seconds in which a job must be started, where its caller does not say.
        retention: Seconds that records and results are kept.
        retry_seconds: Longest wait after the first attempt that failed; each further one is twice as long.
        region: AWS region.
    """

    table: str
    queue_url: str
    dead_letters_url: str
    max_attempts: int
    inputs_bucket: str
    results_bucket: str
    inline_result_size: int
    topic_arn: str
    allowed_buckets: tuple[str, ...]
    time_to_live: int
    retention: int
    retry_seconds: int
    region: str


class BatchSettings(NamedTuple):
    """Settings of a function that deals with batches; what one does not need is empty.

    Attributes:
        table: Name of the table of batches.
        predictions_table: Name of the table of predictions.
        inputs_bucket: Bucket of inputs.
        outputs_bucket: Bucket of outputs.
        work_bucket: Bucket of plans and parts.
        image_buckets: Further buckets that images may be in which files name.
        queue_url: URL of the queue of uploads.
        topic_arn: Topic that is told how batches end.
        state_machine_arn: What large batches run on.
        direct_bytes: Bytes up to which an uploaded file is transformed by the function that takes it.
        chunk_bytes: Bytes of a chunk of a larger one.
        max_attempts: Attempts that an upload has.
        worker_memory: Megabytes of a function that transforms chunks.
        concurrency: Chunks of a batch that are transformed at once, at most.
        upload_concurrency: Dropped files that are transformed at once, at most.
        retention: Seconds that records are kept.
        lookup_days: Days that predictions can be looked up.
        lookup_rate: Predictions that all workers together write to their table in a second.
        region: AWS region.
    """

    table: str
    predictions_table: str
    inputs_bucket: str
    outputs_bucket: str
    work_bucket: str
    image_buckets: tuple[str, ...]
    queue_url: str
    topic_arn: str
    state_machine_arn: str
    direct_bytes: int
    chunk_bytes: int
    max_attempts: int
    worker_memory: int
    concurrency: int
    upload_concurrency: int
    retention: int
    lookup_days: int
    lookup_rate: int
    region: str


class InvalidSettings(ValueError):
    """The environment is not one that the function can run in."""


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads the settings.

    Raises:
        InvalidSettings: A variable is missing or not what it should be.
    """
    start = environment.get("AWS_LAMBDA_INITIALIZATION_TYPE")
    preload = _names(environment.get("PRELOAD_MODELS", ""))
    return Settings(
        storages=_storages(environment.get("MODEL_REPOSITORY", "")),
        refresh_seconds=_number(environment, "MODEL_REFRESH_SECONDS", 30),
        preload=preload or (("*",) if start == "snap-start" else ()),  # a snapshot should hold open models
        memory_megabytes=int(_number(environment, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 1769)),
        cache=Path(environment.get("MODEL_CACHE") or "/tmp/triptych"),  # noqa: S108 - Lambda's only writable place
        telemetry=_telemetry(environment),
        bounded=bool(environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")),
        on_demand=start == "on-demand",
        inference_function=environment.get("INFERENCE_FUNCTION", ""),
    )


def jobs_from_environment(environment: Mapping[str, str] = os.environ) -> JobSettings:
    """Reads the settings of a function that deals with jobs.

    Raises:
        InvalidSettings: A variable is missing or not what it should be.
    """
    return JobSettings(
        table=_required(environment, "JOBS_TABLE"),
        queue_url=environment.get("JOBS_QUEUE_URL", ""),
        dead_letters_url=environment.get("JOBS_DEAD_LETTERS_URL", ""),
        max_attempts=int(_number(environment, "JOB_MAX_ATTEMPTS", 5)),
        inputs_bucket=environment.get("JOB_INPUTS_BUCKET", ""),
        results_bucket=_required(environment, "RESULTS_BUCKET"),
        inline_result_size=int(_number(environment, "JOB_INLINE_RESULT_SIZE", 4096)),
        topic_arn=_required(environment, "JOBS_TOPIC_ARN"),
        allowed_buckets=_names(environment.get("JOB_ALLOWED_BUCKETS", "")),
        time_to_live=int(_number(environment, "JOB_TIME_TO_LIVE", 86_400)),
        retention=int(_number(environment, "JOB_RETENTION_DAYS", 14)) * 86_400,
        retry_seconds=int(_number(environment, "JOB_RETRY_SECONDS", 10)),
        region=_required(environment, "AWS_REGION"),
    )


def batches_from_environment(environment: Mapping[str, str] = os.environ) -> BatchSettings:
    """Reads the settings of a function that deals with batches.

    Raises:
        InvalidSettings: A variable is missing or not what it should be.
    """
    return BatchSettings(
        table=_required(environment, "BATCHES_TABLE"),
        predictions_table=environment.get("PREDICTIONS_TABLE", ""),
        inputs_bucket=_required(environment, "INPUT_BUCKET"),
        outputs_bucket=_required(environment, "OUTPUT_BUCKET"),
        work_bucket=environment.get("BATCH_WORK_BUCKET", ""),
        image_buckets=_names(environment.get("BATCH_IMAGE_BUCKETS", "")),
        queue_url=environment.get("BATCH_QUEUE_URL", ""),
        topic_arn=environment.get("BATCHES_TOPIC_ARN", ""),
        state_machine_arn=environment.get("BATCH_STATE_MACHINE_ARN", ""),
        direct_bytes=int(_number(environment, "BATCH_DIRECT_BYTES", 32 << 20)),
        chunk_bytes=int(_number(environment, "BATCH_CHUNK_BYTES", 64 << 20)),
        max_attempts=int(_number(environment, "BATCH_MAX_ATTEMPTS", 5)),
        worker_memory=int(_number(environment, "BATCH_WORKER_MEMORY", 1769)),
        concurrency=int(_number(environment, "BATCH_MAX_CONCURRENCY", 50)),
        upload_concurrency=int(_number(environment, "BATCH_UPLOAD_CONCURRENCY", 5)),
        retention=int(_number(environment, "BATCH_RETENTION_DAYS", 90)) * 86_400,
        lookup_days=int(_number(environment, "LOOKUP_DAYS", 30)),
        lookup_rate=int(_number(environment, "LOOKUP_WRITES_PER_SECOND", 4000)),
        region=_required(environment, "AWS_REGION"),
    )


def _telemetry(environment: Mapping[str, str]) -> TelemetrySettings:
    return TelemetrySettings(
        service=environment.get("POWERTOOLS_SERVICE_NAME") or "triptych",
        namespace=environment.get("POWERTOOLS_METRICS_NAMESPACE") or "Triptych",
        log_level=_level(environment.get("POWERTOOLS_LOG_LEVEL") or "INFO"),
    )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name)
    if not value:
        raise InvalidSettings(f"{name} is empty; the template sets it")
    return value


def _storages(value: str) -> tuple[str, ...]:
    addresses = _names(value)
    if not addresses:
        raise InvalidSettings("MODEL_REPOSITORY is empty; expected directories and s3://bucket/prefix")
    for address in addresses:
        if not _ADDRESS.match(address):
            raise InvalidSettings(
                f"MODEL_REPOSITORY: {address!r} is neither a directory nor s3://bucket/prefix"
            )
    return addresses


def _level(value: str) -> str:
    if value.upper() not in logging.getLevelNamesMapping():
        raise InvalidSettings(f"POWERTOOLS_LOG_LEVEL: expected a level such as INFO, got {value!r}")
    return value.upper()


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    value = environment.get(name) or default
    try:
        number = float(value)
    except ValueError:
        raise InvalidSettings(f"{name}: expected a number, got {value!r}") from None
    if not 0 <= number < float("inf"):
        raise InvalidSettings(f"{name}: expected a number from 0, got {value!r}")
    return number
