"""What goes wrong with AWS, in words that name no table, bucket or key; the log has those."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from botocore import exceptions as aws
from s3transfer.exceptions import RetriesExceededError, S3DownloadFailedError

from triptych.errors import ServiceUnavailable

LOGGER = logging.getLogger("triptych")

AWS_FAILURES: Final = (aws.ClientError, aws.BotoCoreError, RetriesExceededError, S3DownloadFailedError)
"""What AWS and its clients raise."""

GONE: Final = {"NoSuchKey", "404", "PreconditionFailed", "412"}
"""Codes that tell that an object was changed or removed since it was seen."""

FORBIDDEN: Final = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}
"""Codes that tell that the function may not do it."""

_DENIED = FORBIDDEN | {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "UnrecognizedClientException",
}
THROTTLED: Final = {
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "503",
}
"""Codes that ask for fewer requests: the same one may succeed a little later."""

_MISSING = {
    "NoSuchBucket",
    "NotFound",
    "NotFoundException",
    "ResourceNotFoundException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
}


def error_code(error: Exception) -> str:
    """Gives the code of what AWS answered; empty when it did not answer."""
    if isinstance(error, S3DownloadFailedError):  # how s3transfer tells that a range no longer matches
        return "PreconditionFailed"
    return error.response.get("Error", {}).get("Code", "") if isinstance(error, aws.ClientError) else ""


def reason(error: Exception) -> str:
    """Says what went wrong, such as `it does not answer in time`."""
    match error:
        case aws.ClientError():
            return _answer(error_code(error))
        case aws.NoCredentialsError():
            return "there are no credentials for it"
        case aws.ConnectionError() | aws.HTTPClientError() | RetriesExceededError():
            return "it does not answer in time"
        case _:
            return type(error).__name__


def unavailable(what: str, error: Exception) -> ServiceUnavailable:
    """Makes the error that callers are told, and logs the one that tells more.

    Args:
        what: What cannot be reached, such as `the queue of jobs`.
        error: Why.
    """
    LOGGER.warning("%s: %s", what, error)
    return ServiceUnavailable(f"{what} cannot be reached: {reason(error)}")


@contextmanager
def reaching(what: str) -> Generator[None]:
    """Tells every failure of AWS as one of the service.

    Args:
        what: What is reached for, such as `the queue of jobs`.

    Raises:
        ServiceUnavailable: It cannot be reached.
    """
    try:
        yield
    except AWS_FAILURES as error:
        raise unavailable(what, error) from error


def _answer(code: str) -> str:
    if code in _DENIED:
        return "access to it is denied"
    if code in THROTTLED:
        return "it asks for fewer requests"
    return "it does not exist" if code in _MISSING else f"it answers {code}"
