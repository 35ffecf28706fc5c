"""Why a job, a batch or a file failed, as its record holds it."""

from __future__ import annotations

from typing import NamedTuple

from triptych.errors import TriptychError

MAX_MESSAGE = 2000
"""Characters of a message: what it quotes of the input can be as long as the input."""


class Failure(NamedTuple):
    """Why a job, a batch or a file failed.

    Attributes:
        type: Kind of the error, such as `BadRequest`.
        message: What went wrong and what to do about it.
        retryable: Whether the same may succeed when it is tried again.
    """

    type: str
    message: str
    retryable: bool

    @classmethod
    def of(cls, error: TriptychError) -> Failure:
        """Returns the failure that an error stands for."""
        return cls(error.kind, str(error)[:MAX_MESSAGE], error.retryable)
