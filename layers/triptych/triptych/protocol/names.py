"""Names that reach a path or a key, checked before they do; names in messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from triptych.errors import BadRequest, NotFound

MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
VERSION = re.compile(r"[1-9][0-9]{0,17}")
_LISTED = 40  # names in a message
_LONGEST = 80  # characters of a name that is not known


def is_model_name(name: str) -> bool:
    """Returns whether a folder of the repository can be a model."""
    return MODEL_NAME.fullmatch(name) is not None


def is_version(name: str) -> bool:
    """Returns whether a folder of a model can be a version: a positive integer without leading zeros."""
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
    """Formats a list of names for a message."""
    shown = ", ".join(repr(name[:64]) for name in names[:_LISTED]) or "none"
    return f"{shown} and {len(names) - _LISTED} more" if len(names) > _LISTED else shown


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Finds the known name that a misspelt one most likely means; None when none is similar.

    Likeness is from 0 to 1; names that differ in their case only are equal.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only mistakes need it: 2 ms of a cold start

    by_lower = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(name[:_LONGEST].lower(), by_lower, n=1, cutoff=likeness)
    return by_lower[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Formats the nearest known name for a message: `" (did you mean 'join'?)"`, or nothing."""
    found = nearest(name, known)
    return "" if found is None else f" (did you mean {found!r}?)"


def check_known(given: Iterable[str], known: Iterable[str], what: str = "option", prefix: str = "") -> None:
    """Refuses names that are not known, each of `what` and written behind `prefix`.

    Raises:
        BadRequest: A name is not known; the message has the nearest, and lists all.
    """
    known = tuple(known)
    for name in given:
        if name not in known:
            listed = f"{what}s are {', '.join(known)}" if known else f"there are no {what}s here"
            raise BadRequest(
                f"unknown {what} {(prefix + name)[:_LONGEST]!r}{did_you_mean(name, known)}; {listed}"
            )
