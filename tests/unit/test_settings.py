"""The environment of a function."""

from pathlib import Path

import pytest
from triptych.settings import (
    BatchSettings,
    InvalidSettings,
    JobSettings,
    Settings,
    TelemetrySettings,
    batches_from_environment,
    from_environment,
    jobs_from_environment,
)

DAY = 86_400

PLACES = {"MODEL_REPOSITORY": "/opt/models"}


def test_defaults() -> None:
    """Only the storage backends of the model repository have to be named."""
    assert Settings(
        storages=("/opt/models",),
        refresh_seconds=30,
        preload=(),
        memory_megabytes=1769,
        cache=Path("/tmp/triptych"),  # noqa: S108 - the default
        telemetry=TelemetrySettings("triptych", "Triptych", "INFO"),
    ) == from_environment(PLACES)


def test_everything_told() -> None:
    """Each setting has its variable; lists are separated by commas, with any space around."""
    settings = from_environment(
        {
            "MODEL_REPOSITORY": " /opt/models , s3://bucket/models,s3://other ,",
            "MODEL_REFRESH_SECONDS": "0.5",
            "PRELOAD_MODELS": "digits, penguins",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
            "MODEL_CACHE": "/mnt/cache",
            "POWERTOOLS_SERVICE_NAME": "realtime",
            "POWERTOOLS_METRICS_NAMESPACE": "Models",
            "POWERTOOLS_LOG_LEVEL": "debug",
        }
    )
    assert ("/opt/models", "s3://bucket/models", "s3://other") == settings.storages
    assert 0.5 == settings.refresh_seconds
    assert ("digits", "penguins") == settings.preload
    assert (3008, 2) == (settings.memory_megabytes, settings.threads)
    assert Path("/mnt/cache") == settings.cache
    assert settings.bounded
    assert not settings.on_demand
    assert ("realtime", "Models", "DEBUG") == settings.telemetry


def test_empty_is_missing() -> None:
    """A variable that is empty counts as missing: a template's parameter may be."""
    empty = dict.fromkeys(
        (
            "MODEL_REFRESH_SECONDS",
            "PRELOAD_MODELS",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            "AWS_LAMBDA_INITIALIZATION_TYPE",
            "MODEL_CACHE",
            "POWERTOOLS_SERVICE_NAME",
            "POWERTOOLS_METRICS_NAMESPACE",
            "POWERTOOLS_LOG_LEVEL",
        ),
        "",
    )
    assert from_environment(PLACES) == from_environment({**PLACES, **empty})


@pytest.mark.parametrize("environment", [{}, {"MODEL_REPOSITORY": ""}, {"MODEL_REPOSITORY": " , "}])
def test_no_places(environment: dict[str, str]) -> None:
    """Without a storage backend there is nothing to serve: the function does not start."""
    with pytest.raises(InvalidSettings, match="MODEL_REPOSITORY is empty"):
        from_environment(environment)


@pytest.mark.parametrize("address", ["models", "./models", "http://x", "s3:/bucket", "s3://", "s3:///models"])
def test_wrong_storage(address: str) -> None:
    """A storage backend is an absolute directory, or a bucket with a name."""
    with pytest.raises(InvalidSettings, match=f"'{address}' is neither a directory nor s3://bucket/prefix"):
        from_environment({"MODEL_REPOSITORY": f"/opt/models,{address}"})


@pytest.mark.parametrize("name", ["MODEL_REFRESH_SECONDS", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
@pytest.mark.parametrize("value", ["often", "-1", "nan", "inf", "1,5"])
def test_wrong_number(name: str, value: str) -> None:
    """The message names the variable and what it holds."""
    with pytest.raises(InvalidSettings, match=f"{name}: expected a number.*, got '{value}'"):
        from_environment({**PLACES, name: value})


def test_no_seconds_at_all() -> None:
    """The listing of models may be made anew for each request."""
    assert 0 == from_environment({**PLACES, "MODEL_REFRESH_SECONDS": "0"}).refresh_seconds


def test_wrong_level() -> None:
    """A log level that there is not is refused: it would log everything or nothing."""
    with pytest.raises(InvalidSettings, match="POWERTOOLS_LOG_LEVEL: expected a level"):
        from_environment({**PLACES, "POWERTOOLS_LOG_LEVEL": "loud"})


@pytest.mark.parametrize(("told", "expected"), [("", ("*",)), ("digits", ("digits",))])
def test_snapshot_holds_open_models(told: str, expected: tuple[str, ...]) -> None:
    """With SnapStart all models are opened before the snapshot, unless some are named."""
    snapshot = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "PRELOAD_MODELS": told}
    assert expected == from_environment({**PLACES, **snapshot}).preload


@pytest.mark.parametrize(("megabytes", "threads"), [(128, 1), (1769, 1), (2653, 1), (2654, 2), (10240, 6)])
def test_threads(megabytes: int, threads: int) -> None:
    """Processors come with memory, 1769 MB each, and there is always one."""
    settings = from_environment({**PLACES, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(megabytes)})
    assert threads == settings.threads


BATCHES = {
    "BATCHES_TABLE": "batches",
    "INPUT_BUCKET": "in",
    "OUTPUT_BUCKET": "out",
    "AWS_REGION": "eu-west-1",
}


def test_defaults_of_batches() -> None:
    """What is not said of batches has a default, or is empty where a function does without."""
    assert BatchSettings(
        table="batches",
        predictions_table="",
        inputs_bucket="in",
        outputs_bucket="out",
        work_bucket="",
        image_buckets=(),
        queue_url="",
        topic_arn="",
        state_machine_arn="",
        direct_bytes=32 << 20,
        chunk_bytes=64 << 20,
        max_attempts=5,
        worker_memory=1769,
        concurrency=50,
        upload_concurrency=5,
        retention=90 * DAY,
        lookup_days=30,
        lookup_rate=4000,
        region="eu-west-1",
    ) == batches_from_environment(BATCHES)


def test_everything_said_of_batches() -> None:
    """Each setting has its variable; days become seconds."""
    assert BatchSettings(
        table="batches",
        predictions_table="predictions",
        inputs_bucket="in",
        outputs_bucket="out",
        work_bucket="work",
        image_buckets=("one", "two"),
        queue_url="queue",
        topic_arn="topic",
        state_machine_arn="machine",
        direct_bytes=1,
        chunk_bytes=2,
        max_attempts=3,
        worker_memory=4,
        concurrency=5,
        upload_concurrency=6,
        retention=7 * DAY,
        lookup_days=8,
        lookup_rate=9,
        region="eu-west-1",
    ) == batches_from_environment(
        {
            **BATCHES,
            "PREDICTIONS_TABLE": "predictions",
            "BATCH_WORK_BUCKET": "work",
            "BATCH_IMAGE_BUCKETS": "one,two",
            "BATCH_QUEUE_URL": "queue",
            "BATCHES_TOPIC_ARN": "topic",
            "BATCH_STATE_MACHINE_ARN": "machine",
            "BATCH_DIRECT_BYTES": "1",
            "BATCH_CHUNK_BYTES": "2",
            "BATCH_MAX_ATTEMPTS": "3",
            "BATCH_WORKER_MEMORY": "4",
            "BATCH_MAX_CONCURRENCY": "5",
            "BATCH_UPLOAD_CONCURRENCY": "6",
            "BATCH_RETENTION_DAYS": "7",
            "LOOKUP_DAYS": "8",
            "LOOKUP_WRITES_PER_SECOND": "9",
        }
    )


JOBS = {
    "JOBS_TABLE": "jobs",
    "RESULTS_BUCKET": "results",
    "JOBS_TOPIC_ARN": "topic",
    "AWS_REGION": "eu-west-1",
}


def test_defaults_of_jobs() -> None:
    """What is not said of jobs has a default, or is empty where a function does without."""
    assert JobSettings(
        table="jobs",
        queue_url="",
        dead_letters_url="",
        max_attempts=5,
        inputs_bucket="",
        results_bucket="results",
        inline_result_size=4096,
        topic_arn="topic",
        allowed_buckets=(),
        time_to_live=DAY,
        retention=14 * DAY,
        retry_seconds=10,
        region="eu-west-1",
    ) == jobs_from_environment(JOBS)


def test_everything_said_of_jobs() -> None:
    """Each setting has its variable; days become seconds."""
    assert JobSettings(
        table="jobs",
        queue_url="queue",
        dead_letters_url="letters",
        max_attempts=1,
        inputs_bucket="in",
        results_bucket="results",
        inline_result_size=5,
        topic_arn="topic",
        allowed_buckets=("one", "two"),
        time_to_live=2,
        retention=3 * DAY,
        retry_seconds=4,
        region="eu-west-1",
    ) == jobs_from_environment(
        {
            **JOBS,
            "JOBS_QUEUE_URL": "queue",
            "JOBS_DEAD_LETTERS_URL": "letters",
            "JOB_MAX_ATTEMPTS": "1",
            "JOB_INPUTS_BUCKET": "in",
            "JOB_ALLOWED_BUCKETS": "one,two",
            "JOB_TIME_TO_LIVE": "2",
            "JOB_RETENTION_DAYS": "3",
            "JOB_RETRY_SECONDS": "4",
            "JOB_INLINE_RESULT_SIZE": "5",
        }
    )


@pytest.mark.parametrize("name", JOBS)
def test_jobs_without_what_they_need(name: str) -> None:
    """The message names the variable that the template should have set."""
    with pytest.raises(InvalidSettings, match=f"{name} is empty; the template sets it"):
        jobs_from_environment({**JOBS, name: ""})


@pytest.mark.parametrize("name", BATCHES)
def test_batches_without_what_they_need(name: str) -> None:
    """The message names the variable that the template should have set."""
    with pytest.raises(InvalidSettings, match=f"{name} is empty; the template sets it"):
        batches_from_environment({**BATCHES, name: ""})
