"""Where models are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from triptych.models.directory import DirectoryPlace
from triptych.models.repository import ModelRepository
from triptych.models.storage import ModelPlace
from triptych.settings import Settings

_S3 = "s3://"


def model_repository(settings: Settings) -> ModelRepository:
    """Makes the repository that knows which models there are."""
    return ModelRepository(_places(settings), settings.refresh_seconds)


def _places(settings: Settings) -> list[ModelPlace]:
    buckets = [place for place in settings.places if place.startswith(_S3)]
    in_s3 = _s3_places(buckets, settings.cache) if buckets else {}
    return [in_s3.get(place) or DirectoryPlace(Path(place)) for place in settings.places]


def _s3_places(places: Iterable[str], cache_directory: Path) -> dict[str, ModelPlace]:
    # boto3 takes longer to import than the rest of the function: only a function with a bucket pays.
    from triptych.models.bucket import S3Place  # noqa: PLC0415
    from triptych.models.disk_cache import ModelCache  # noqa: PLC0415

    cache = ModelCache(cache_directory)
    addresses = {place: place.removeprefix(_S3).partition("/") for place in places}
    return {place: S3Place(bucket, prefix, cache) for place, (bucket, _, prefix) in addresses.items()}
