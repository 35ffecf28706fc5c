"""What the state machine says when it gives something up, in words."""

from __future__ import annotations

from collections.abc import Mapping

from triptych.errors import ServiceUnavailable
from triptych.lifecycle.failure import Failure

_REASONS = {
    "Lambda.Unknown": "a function ended without a word, perhaps for want of memory or time",
    "Runtime.ExitError": "a function ended without a word, perhaps for want of memory",
    "Sandbox.Timedout": "a function ran out of time",
    "States.Timeout": "it took longer than it may",
    "TIMED_OUT": "it took longer than it may",
    "ABORTED": "somebody stopped its execution",
}


def file_failure(failure: Mapping[str, str]) -> ServiceUnavailable:
    """Tells why a file was given up.

    Args:
        failure: `Error` and `Cause`, as Step Functions tells them.
    """
    return ServiceUnavailable(
        f"a part of the file was tried again and again: {_reason(failure)}; "
        "redrive the batch once the cause is gone"
    )


def batch_failure(failure: Mapping[str, str]) -> Failure:
    """Tells why a whole batch was given up.

    Args:
        failure: `Error` and `Cause`, as Step Functions tells them.
    """
    message = f"the state machine gave up: {_reason(failure)}; redrive the batch once the cause is gone"
    return Failure(ServiceUnavailable.kind, message, retryable=True)


def _reason(failure: Mapping[str, str]) -> str:
    name, cause = str(failure.get("Error")), str(failure.get("Cause") or "")[:500]
    return _REASONS.get(name, f"{name}: {cause}" if cause else name)
