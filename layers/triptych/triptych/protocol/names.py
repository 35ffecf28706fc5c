"""Names that reach a path or a key: checked before they do."""

from __future__ import annotations

import re

from triptych.errors import BadRequest, NotFound

MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
VERSION = re.compile(r"[1-9][0-9]{0,17}")


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
