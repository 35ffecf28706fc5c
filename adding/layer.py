"""The layer of models: what is added is deployed with the stack."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from tempfile import mkdtemp
from typing import override

from triptych.models.storage import CONFIG_FILE
from triptych.protocol.names import is_version

from adding.destination import Destination
from adding.inspection import Inspection
from adding.source import Source
from adding.verdict import NotServed
from local.build import ROOT
from local.failure import LocalFailure

MODELS = ROOT / "layers" / "models"
LAYER_BYTES = 75_000_000
"""Of all models in the layer: Lambda unpacks 250 MB, and a test holds the other layers to 175."""


class Layer(Destination):
    """The layer of models, which is deployed with the stack.

    Args:
        directory: Its folder.
    """

    def __init__(self, directory: Path | None = None) -> None:
        directory = directory or MODELS
        self.name = f"{directory.relative_to(ROOT)}" if directory.is_relative_to(ROOT) else str(directory)
        self._directory = directory

    @override
    def check(self, seen: Inspection) -> None:
        there = sum(path.stat().st_size for path in self._directory.rglob("*") if path.is_file())
        if there + seen.source.size > LAYER_BYTES:
            raise NotServed(
                f"the layer has room for {LAYER_BYTES / 1e6:.0f} MB of models, {there / 1e6:.1f} are in use, "
                f"and this model has {seen.source.size / 1e6:.1f} MB",
                "put it into the bucket of a stack, STACK=name (STACK=local: that of make up)",
            )

    @override
    def versions(self, model: str) -> Collection[int]:
        folder = self._directory / model
        return {int(path.name) for path in folder.glob("*") if is_version(path.name)}

    @override
    def config(self, model: str) -> bytes | None:
        path = self._directory / model / CONFIG_FILE
        return path.read_bytes() if path.is_file() else None

    @override
    def put(self, model: str, version: int, source: Source) -> None:
        folder = self._directory / model
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = Path(mkdtemp(prefix=".adding-", dir=self._directory))
        try:
            source.write(unfinished / str(version))
            (unfinished / str(version)).rename(folder / str(version))
        except OSError as error:
            raise LocalFailure(f"{folder / str(version)} cannot be written: {error.strerror}") from error
        finally:
            shutil.rmtree(unfinished)
        if source.config:
            shutil.copyfile(source.config, folder / CONFIG_FILE)
