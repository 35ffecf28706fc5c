"""Times as documents write them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(milliseconds: int) -> str:
    """Writes a time, in milliseconds since 1970, such as `2026-01-31T12:00:00.000Z`."""
    written = datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    return written.replace("+00:00", "Z")


def known_moment(milliseconds: int | None) -> str | None:
    """Writes a time; None when it is not known."""
    return None if milliseconds is None else moment(milliseconds)
