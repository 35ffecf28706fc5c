"""Runs the emulator with one correction: bodies without a media type.

Where an API takes every type as binary (`*/*`), AWS treats a request without Content-Type, and a caller
without Accept, like any other. The emulator takes such a body for text, which destroys binary tensors: the
standard clients of the protocol send neither header.
"""

from collections.abc import Iterable
from typing import Any, cast

from ministack import app
from ministack.services import apigateway_v1

_EVERYTHING = "*/*"


def correct(gateway: Any) -> None:  # noqa: ANN401 - a module without types
    """Has the emulated API Gateway take a missing media type as AWS does.

    Args:
        gateway: The emulator's module for REST APIs.
    """
    matches = gateway._media_type_matches  # noqa: SLF001 - there is no setting for it; the version is pinned

    def corrected(media_type: str | None, binary_types: Iterable[str] | None) -> bool:
        return _EVERYTHING in (binary_types or ()) or cast("bool", matches(media_type, binary_types))

    gateway._media_type_matches = corrected  # noqa: SLF001 - the same


if __name__ == "__main__":
    correct(apigateway_v1)
    app.main()
