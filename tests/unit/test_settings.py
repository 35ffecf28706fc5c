"""The environment of a function."""

from pathlib import Path

import pytest
from triptych.settings import (
    InvalidSettings,
    Settings,
    TelemetrySettings,
    batches_from_environment,
    from_environment,
)

PLACES = {"MODEL_REPOSITORY": "/opt/models"}


def test_defaults() -> None:
    """Only the places of the model repository have to be told."""
    assert Settings(
        places=("/opt/models",),
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
    assert ("/opt/models", "s3://bucket/models", "s3://other") == settings.places
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
    """Without a place there is nothing to serve: the function does not start."""
    with pytest.raises(InvalidSettings, match="MODEL_REPOSITORY is empty"):
        from_environment(environment)


@pytest.mark.parametrize("place", ["models", "./models", "http://x", "s3:/bucket", "s3://", "s3:///models"])
def test_wrong_place(place: str) -> None:
    """A place is an absolute directory, or a bucket with a name."""
    with pytest.raises(InvalidSettings, match=f"'{place}' is neither a directory nor s3://bucket/prefix"):
        from_environment({"MODEL_REPOSITORY": f"/opt/models,{place}"})


@pytest.mark.parametrize("name", ["MODEL_REFRESH_SECONDS", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
@pytest.mark.parametrize("value", ["often", "-1", "nan", "inf", "1,5"])
def test_wrong_number(name: str, value: str) -> None:
    """The message names the variable and what it holds."""
    with pytest.raises(InvalidSettings, match=f"{name}: expected a number.*, got '{value}'"):
        from_environment({**PLACES, name: value})


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


def test_batches() -> None:
    """What is not told of batches has a default, or is empty where a function does without."""
    settings = batches_from_environment(BATCHES)
    assert ("batches", "in", "out", "", 32 << 20, 64 << 20) == (
        settings.table,
        settings.inputs_bucket,
        settings.outputs_bucket,
        settings.work_bucket,
        settings.direct_bytes,
        settings.chunk_bytes,
    )
    assert (4000, 50, 5) == (settings.lookup_rate, settings.concurrency, settings.upload_concurrency)
    told = batches_from_environment(
        {
            **BATCHES,
            "BATCH_RETENTION_DAYS": "2",
            "LOOKUP_WRITES_PER_SECOND": "700",
            "BATCH_UPLOAD_CONCURRENCY": "2",
        }
    )
    assert (172_800, 700, 2) == (told.retention, told.lookup_rate, told.upload_concurrency)


def test_days_of_lookups() -> None:
    """They are told in days, and kept in the seconds that DynamoDB counts."""
    assert 3 * 86_400 == batches_from_environment({**BATCHES, "LOOKUP_DAYS": "3"}).lookup_retention


@pytest.mark.parametrize("name", BATCHES)
def test_batches_without_what_they_need(name: str) -> None:
    """The message names the variable that the template should have set."""
    with pytest.raises(InvalidSettings, match=f"{name} is empty; the template sets it"):
        batches_from_environment({**BATCHES, name: ""})
