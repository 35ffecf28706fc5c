"""Media types as HTTP headers write them, and those of the protocol's messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

JSON = "application/json"
BINARY = "application/octet-stream"
"""A JSON header with raw tensors behind it."""

_QUALITY = re.compile(r"[01](\.\d{0,3})?", re.ASCII)


class MediaType(NamedTuple):
    """A media type, or a range of them such as `text/*`, in lower case, with its parameters."""

    name: str
    parameters: Mapping[str, str]

    @property
    def quality(self) -> float:
        """The weight that an Accept header gives it, 0 to 1; 0 when that cannot be read."""
        text = self.parameters.get("q", "1")
        return min(float(text), 1.0) if _QUALITY.fullmatch(text) else 0.0

    def specificity(self, name: str) -> int:
        """Returns how closely this range names a media type: 3 exactly, 2 `text/*`, 1 `*/*`, 0 not at all."""
        kind = name.partition("/")[0]
        return {name: 3, f"{kind}/*": 2, "*/*": 1}.get(self.name, 0)


def media_type(text: str) -> MediaType:
    """Reads one media type with its parameters."""
    name, *parts = text.split(";")
    pairs = (part.partition("=") for part in parts)
    return MediaType(
        name.strip().lower(), {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
    )
