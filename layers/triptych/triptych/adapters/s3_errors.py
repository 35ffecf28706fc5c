"""What goes wrong with S3, as errors that name neither bucket nor key; the log has those."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from botocore import exceptions as aws
from s3transfer.exceptions import RetriesExceededError, S3DownloadFailedError

from triptych.errors import ModelUnavailable, RepositoryUnavailable

LOGGER = logging.getLogger("triptych")

DENIED = {
    "AccessDenied",
    "403",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
}
THROTTLED = {
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "503",
}
GONE = {"NoSuchKey", "404", "PreconditionFailed", "412"}


@contextmanager
def s3_errors() -> Generator[None]:
    """Tells what S3 and its client raise as errors of the repository.

    Raises:
        ModelUnavailable: An object was changed or removed since it was listed.
        RepositoryUnavailable: The bucket cannot be read now.
    """
    try:
        yield
    except S3DownloadFailedError as error:
        raise _changed(error) from error
    except aws.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise _changed(error) if code in GONE else _unavailable(_kind(code), error) from error
    except aws.NoCredentialsError as error:
        raise _unavailable("there are no credentials for it", error) from error
    except (aws.ConnectionError, aws.HTTPClientError, RetriesExceededError) as error:
        raise _unavailable("it does not answer in time", error) from error
    except aws.BotoCoreError as error:
        raise _unavailable(type(error).__name__, error) from error


def _kind(code: str) -> str:
    if code in DENIED:
        return "access to it is denied"
    if code in THROTTLED:
        return "it asks for fewer requests"
    return "it does not exist" if code == "NoSuchBucket" else f"it answers {code}"


def _changed(error: Exception) -> ModelUnavailable:
    LOGGER.warning("model bucket: %s", error)
    return ModelUnavailable("changed while it was being read; try again")


def _unavailable(kind: str, error: Exception) -> RepositoryUnavailable:
    LOGGER.warning("model bucket: %s", error)
    return RepositoryUnavailable(f"a bucket of models cannot be read: {kind}")
