"""Where a version is put: the layer of models (`layer`), or the bucket of a stack (`model_bucket`)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from typing import Protocol

from adding.inspection import Inspection
from adding.source import Source


class Destination(Protocol):
    """Holds models as `<model>/<version>/...`, with one `<model>/model.toml` for all versions.

    Attributes:
        name: What people call it.
    """

    name: str

    @abstractmethod
    def check(self, seen: Inspection) -> None:
        """Checks that a model would be served from here.

        Raises:
            NotServed: It would not, and what to do.
        """

    @abstractmethod
    def versions(self, model: str) -> Collection[int]:
        """Returns the numbers that are taken, also by unfinished versions."""

    @abstractmethod
    def config(self, model: str) -> bytes | None:
        """Returns the `model.toml` of the model, if it has one."""

    @abstractmethod
    def put(self, model: str, version: int, source: Source) -> None:
        """Writes a version; it is served once its graph, the last file, is there.

        Raises:
            LocalFailure: It cannot be written, or is there by now.
        """
