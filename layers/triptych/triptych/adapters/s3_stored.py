"""What S3 tells of an object."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from triptych.interfaces.objects import StoredObject

_UNVERSIONED = "null"  # whatever was written while the bucket keeps no versions: it tells no two apart


def looked_up(key: str, answer: Mapping[str, Any]) -> StoredObject:
    """Reads the answer of HeadObject."""
    return StoredObject(
        key=key,
        size=answer["ContentLength"],
        etag=_etag(answer),
        version=_version(answer),
        modified=_modified(answer),
        metadata={name.lower(): value for name, value in answer["Metadata"].items()},
    )


def listed(found: Mapping[str, Any]) -> StoredObject:
    """Reads an entry of ListObjectsV2, which tells neither version nor metadata."""
    return StoredObject(found["Key"], found["Size"], _etag(found), None, _modified(found))


def written(key: str, size: int, answer: Mapping[str, Any]) -> StoredObject:
    """Reads the answer of PutObject or CompleteMultipartUpload, which tells no time: it is now.

    Args:
        key: Key of the object.
        size: Its bytes.
        answer: What S3 answered.
    """
    return StoredObject(key, size, _etag(answer), _version(answer), time.time_ns() // 1_000_000)


def _etag(answer: Mapping[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')


def _version(answer: Mapping[str, Any]) -> str | None:
    version = answer.get("VersionId")
    return None if version == _UNVERSIONED else version


def _modified(answer: Mapping[str, Any]) -> int:
    modified: datetime = answer["LastModified"]
    return round(modified.timestamp() * 1000)
