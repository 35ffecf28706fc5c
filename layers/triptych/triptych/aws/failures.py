"""Which error stands for which failure of AWS, whatever client meets it; imports no client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final, NamedTuple

from triptych.errors import BadRequest, Conflict, ServiceUnavailable, TriptychError

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
    """Which error stands for which failure of AWS; codes may have errors of their own.

    The message says what does not work, such as `the queue of jobs cannot be reached`; a reason follows it.
    """

    message: str
    error: type[TriptychError] = ServiceUnavailable
    known: Mapping[str, MakeError] = {}

    def error_for(self, code: str, reason: str) -> TriptychError:
        """Returns the error for the code that AWS answered, or, without an answer, the empty one."""
        make = self.known.get(code)
        return make() if make else self.error(f"{self.message}: {reason}")


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


def reason_of(code: str) -> str:
    """Says what a code of AWS means, such as `access to it is denied`."""
    if code in _DENIED:
        return "access to it is denied"
    if code in THROTTLED:
        return "it asks for fewer requests"
    return "it does not exist" if code in _MISSING else f"it answers {code}"
