"""Failures of AWS as errors of ours, in words that name no table, bucket or key; the log has those."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from botocore import exceptions as aws

from triptych.aws.failures import Failures, reason_of

LOGGER = logging.getLogger("triptych")

AWS_FAILURES: Final = (aws.ClientError, aws.BotoCoreError)
"""What clients of AWS raise."""


@contextmanager
def aws_errors(failures: Failures) -> Generator[None]:
    """Raises the error that stands for a failure of AWS, and logs the failure, which tells more."""
    try:
        yield
    except AWS_FAILURES as error:
        LOGGER.warning("%s: %s", failures.message, error)
        raise failures.error_for(error_code(error), _reason(error)) from error


def reaching(what: str) -> AbstractContextManager[None]:
    """Raises `ServiceUnavailable` for every failure of AWS; `what` is such as `the queue of jobs`."""
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
            return reason_of(error_code(error))
        case aws.NoCredentialsError():
            return "there are no credentials for it"
        case aws.ConnectionError() | aws.HTTPClientError():
            return "it does not answer in time"
        case _:
            return type(error).__name__
