"""Names that reach a path or a key, checked before they do; names in messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from triptych.errors import BadRequest, NotFound

MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
VERSION = re.compile(r"[1-9][0-9]{0,17}")
_LISTED = 40  # names in a message


def is_model_name(name: str) -> bool:
    """Tells whether a folder of the repository can be a model."""
    return MODEL_NAME.fullmatch(name) is not None


def is_version(name: str) -> bool:
    """Tells whether a folder of a model can be a version: a positive integer without leading zeros."""
    return VERSION.fullmatch(name) is not None


def model_name(name: str) -> str:
    """Returns the name if it can be a model's.

    Raises:
        NotFound: No model can have this name.
    """
    if not is_model_name(name):
        raise NotFound(
            f"unknown model {name[:128]!r}: a name is letters, digits, '_', '-' and '.', at most 128"
        )
    return name


def version_number(version: str) -> int:
    """Returns the number of a version.

    Raises:
        BadRequest: A version is a positive integer.
    """
    if not is_version(version):
        raise BadRequest(f"version {version[:32]!r}: expected a positive integer")
    return int(version)


def listing(names: Sequence[str]) -> str:
    """Lists names for a message."""
    shown = ", ".join(repr(name[:64]) for name in names[:_LISTED]) or "none"
    return f"{shown} and {len(names) - _LISTED} more" if len(names) > _LISTED else shown


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Finds the known name that a misspelt one most likely means; None when none is similar."""
    from difflib import get_close_matches  # noqa: PLC0415 - only mistakes need it: 2 ms of a cold start

    return next(iter(get_close_matches(name, known, n=1)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Words the nearest known name for a message: `" (did you mean 'join'?)"`, or nothing."""
    found = nearest(name, known)
    return "" if found is None else f" (did you mean {found!r}?)"
