"""What starts batches, as it is told by S3, the scheduler and Step Functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from triptych.errors import BadRequest

_NO_VERSION = "null"  # what S3 calls the version of an object in a bucket that keeps none


class Upload(NamedTuple):
    """A file that was dropped.

    Attributes:
        key: Its key.
        version: Its version; None where the bucket keeps none.
        etag: Its ETag.
    """

    key: str
    version: str | None
    etag: str


def uploads_of(event: Mapping[str, Any]) -> Iterator[Upload]:
    """Reads an event of S3; what is no upload is passed over, as is the test that S3 sends at first.

    Raises:
        BadRequest: It is no event of S3.
    """
    if event.get("Event") == "s3:TestEvent":
        return
    try:
        for record in event["Records"]:
            if str(record["eventName"]).removeprefix("s3:").startswith("ObjectCreated:"):
                yield _upload(record["s3"]["object"])
    except (KeyError, TypeError) as error:
        raise BadRequest(f"the message is no event of S3: {error!r} is missing") from error


def _upload(stored: Mapping[str, Any]) -> Upload:
    version = stored.get("versionId")
    return Upload(
        key=unquote_plus(stored["key"]),
        version=None if version in {None, "", _NO_VERSION} else str(version),
        etag=str(stored["eTag"]).strip('"'),
    )
