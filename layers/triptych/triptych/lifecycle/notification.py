"""What notifications of jobs and of batches have in common."""

from __future__ import annotations

import re

from triptych.errors import BadRequest

_TARGET = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def target(value: object) -> str | None:
    """Checks a target, the label by which subscribers filter notifications; None where there is none.

    Raises:
        BadRequest: It is not such a label.
    """
    if value is None:
        return None
    if not isinstance(value, str) or not _TARGET.fullmatch(value):
        raise BadRequest(
            f"target: expected 1 to 64 letters, digits, '_', '-' and '.', got {str(value)[:64]!r}"
        )
    return value
