"""Whatever goes wrong with one job, as an error of its own: the others go on."""

from __future__ import annotations

from collections.abc import Callable

from triptych.errors import NO_MEMORY, PayloadTooLarge, TriptychError
from triptych.interfaces.job_observer import JobObserver


class InternalError(TriptychError):
    """Something failed that should not; the log tells where."""

    retryable = True


class TooSlow(TriptychError):
    """The model does not answer in the time that a function has."""

    status = 504


def caught[Made](observer: JobObserver, action: Callable[[], Made]) -> Made | TriptychError:
    """Does something for one job.

    Args:
        observer: Is told what nobody expected.
        action: What is done.

    Returns:
        What it gives, or why it failed.
    """
    try:
        return action()
    except TriptychError as error:
        return error
    except MemoryError:
        return PayloadTooLarge(NO_MEMORY)
    except Exception as error:  # noqa: BLE001 - the edge of one job: it is told, and the log has the trace
        observer.unexpected(error)
        return InternalError(f"internal error: {type(error).__name__}")
