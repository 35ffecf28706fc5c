"""Ids of jobs. The same key always makes the same id, which is what makes a repeated request harmless."""

from __future__ import annotations

import re
import uuid
from typing import Final

from triptych.errors import NotFound

_NAMESPACE: Final = uuid.UUID(
    "6f2c0f9e-57a5-4b8e-9c44-0f6f6d1f7a31"
)  # any constant; a new one would forget keys
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def random_id() -> str:
    """Makes an id that nobody else has."""
    return str(uuid.uuid4())


def derived_id(scope: str, key: str) -> str:
    """Makes the id that belongs to a key.

    Args:
        scope: Who chose the key; the same key of two callers makes two ids.
        key: What the caller chose.
    """
    return str(uuid.uuid5(_NAMESPACE, f"{scope}/{key}"))


def job_id(text: str) -> str:
    """Returns the id if it can be a job's.

    Raises:
        NotFound: No job can have this id.
    """
    if not _ID.fullmatch(text):
        raise NotFound(f"there is no job {text[:64]!r}")
    return text
