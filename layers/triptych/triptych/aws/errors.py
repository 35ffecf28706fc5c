"""Failures of AWS as errors of ours, in words that name no table, bucket or key; the log has those."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Final, NamedTuple

from botocore import exceptions as aws

from triptych.errors import BadRequest, Conflict, ServiceUnavailable, TriptychError

LOGGER = logging.getLogger("triptych")

AWS_FAILURES: Final = (aws.ClientError, aws.BotoCoreError)
"""What clients of AWS raise."""

CHANGED: Final = frozenset({"NoSuchKey", "404", "PreconditionFailed", "412"})
"""An object was replaced or removed since it was seen, or is there where none may be."""

FORBIDDEN: Final = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"})
"""The function may not do it."""

_DENIED = FORBIDDEN | {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "UnrecognizedClientException",
}
THROTTLED: Final = frozenset(
    {
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
)
"""AWS asks for fewer requests: the same one may succeed a little later."""

_MISSING = {
    "NoSuchBucket",
    "NotFound",
    "NotFoundException",
    "ResourceNotFoundException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
}

type MakeError = Callable[[], TriptychError]


class Failures(NamedTuple):
    """Which error stands for which failure of AWS.

    Attributes:
        message: What does not work, such as `the queue of jobs cannot be reached`.
        error: Class of the error with that message and a reason.
        known: Errors of their own for some codes of AWS.
    """

    message: str
    error: type[TriptychError] = ServiceUnavailable
    known: Mapping[str, MakeError] = {}


def errors_for(codes: Iterable[str], error: type[TriptychError], message: str) -> dict[str, MakeError]:
    """Returns the part of `Failures.known` in which these codes stand for one error."""
    return dict.fromkeys(codes, partial(error, message))


FILES: Final = Failures(
    "the store of files cannot be reached",
    known=errors_for(
        CHANGED | {"NoSuchVersion"}, Conflict, "the file was replaced or removed since it was looked up"
    )
    | errors_for({"InvalidObjectState"}, BadRequest, "the file is archived; restore it, and try again"),
)
"""Failures of a bucket whose objects people and functions exchange."""


@contextmanager
def aws_errors(failures: Failures) -> Generator[None]:
    """Raises the error that stands for a failure of AWS, and logs the failure, which tells more."""
    try:
        yield
    except AWS_FAILURES as error:
        LOGGER.warning("%s: %s", failures.message, error)
        if make := failures.known.get(error_code(error)):
            raise make() from error
        raise failures.error(f"{failures.message}: {_reason(error)}") from error


def reaching(what: str) -> AbstractContextManager[None]:
    """Raises `ServiceUnavailable` for every failure of AWS.

    Args:
        what: What is reached for, such as `the queue of jobs`.
    """
    return aws_errors(Failures(f"{what} cannot be reached"))


def error_code(error: Exception) -> str:
    """Returns the code of what AWS answered; empty when it did not answer."""
    return error.response.get("Error", {}).get("Code", "") if isinstance(error, aws.ClientError) else ""


def except_codes(codes: Iterable[str], error: aws.ClientError) -> None:
    """Raises the error again unless its code is one of these."""
    if error_code(error) not in codes:
        raise error


def _reason(error: Exception) -> str:
    """Says what went wrong, such as `it does not answer in time`."""
    match error:
        case aws.ClientError():
            return _answer(error_code(error))
        case aws.NoCredentialsError():
            return "there are no credentials for it"
        case aws.ConnectionError() | aws.HTTPClientError():
            return "it does not answer in time"
        case _:
            return type(error).__name__


def _answer(code: str) -> str:
    if code in _DENIED:
        return "access to it is denied"
    if code in THROTTLED:
        return "it asks for fewer requests"
    return "it does not exist" if code in _MISSING else f"it answers {code}"
