"""The model repository: several storage backends that look like one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from triptych.errors import NotFound, RepositoryUnavailable
from triptych.models.storage import ModelStorage, StorageKind, StoredCode, StoredModel, StoredVersion
from triptych.protocol.names import model_name

LOGGER = logging.getLogger("triptych")
REMEMBERED_MODELS = 1024
"""Listings kept; callers may ask for any number of models that do not exist."""


class Candidate(NamedTuple):
    """A version that can be loaded, and where from.

    Attributes:
        stored: The version.
        storage: The storage backend that holds it.
        configured_by: The storage backend whose `model.toml` counts: its own, else the first that has one.
        fingerprint: Changes whenever a file of the version, or that `model.toml`, changes.
        hidden: Later storage backends that hold a version of this number too, which is not served.
        code: The `model.py` that counts: the version's, else the model's, of the first that has one.
        ignores_code: Whether its storage backend holds a `model.py` that is not run.
    """

    stored: StoredVersion
    storage: ModelStorage
    configured_by: ModelStorage | None
    fingerprint: str
    hidden: tuple[StorageKind, ...] = ()
    code: Path | None = None
    ignores_code: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """Name of the model, and number of the version."""
        return self.stored.model, self.stored.version

    def config(self) -> str | None:
        """Reads the text of the `model.toml` that counts for this version, if there is one.

        Raises:
            ModelUnavailable: It is not text.
            RepositoryUnavailable: Its storage backend cannot be read now.
        """
        return self.configured_by.config(self.stored.model) if self.configured_by else None


class Listing(NamedTuple):
    """The versions of one model over all storage backends.

    Attributes:
        model: Name of the model.
        versions: Candidates by version, the highest first.
        unread: Why a storage backend could not be read, when one could not: it may hold more versions.
    """

    model: str
    versions: Mapping[int, Candidate]
    unread: str | None = None

    def candidates(self, version: int | None = None) -> Sequence[Candidate]:
        """Returns the version with that number; without one every version, the highest first.

        Raises:
            NotFound: No storage backend has it, or the model.
            RepositoryUnavailable: No storage backend has it, or the model, but not all could be read.
        """
        if not self.versions:
            raise self._missing(f"unknown model {self.model!r}")
        if version is None:
            return tuple(self.versions.values())
        if version not in self.versions:
            numbers = ", ".join(map(str, self.versions))
            raise self._missing(f"unknown version {version} of model {self.model!r}, which has {numbers}")
        return (self.versions[version],)

    def _missing(self, what: str) -> NotFound | RepositoryUnavailable:
        if self.unread is not None:
            return RepositoryUnavailable(self.unread)
        return NotFound(f"{what}; POST /v2/repository/index lists what there is")


@dataclass(slots=True)
class _Checked:
    """A listing, what each storage backend listed (None: nothing yet), and when."""

    at: float
    stored: Sequence[StoredModel | None]
    listing: Listing


class ModelRepository:
    """Finds models in several storage backends; where two hold the same version, the earlier one wins.

    Listings are kept for a short while, so that a request costs none, and a new
    version is noticed without a deploy. A backend that cannot be read neither hides the models of the
    others, nor those that it listed before. Made for one thread.

    Args:
        storages: Where models are, in order of preference.
        refresh_seconds: Age from which a listing is read again.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        storages: Sequence[ModelStorage],
        refresh_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refresh_seconds = refresh_seconds
        self.clock = clock
        self._storages = storages
        self._checked: dict[str, _Checked] = {}
        self._names: list[Sequence[str]] = [() for _ in storages]
        self._names_expire = float("-inf")

    def names(self) -> Sequence[str]:
        """Lists the names of all models, sorted.

        Raises:
            RepositoryUnavailable: No model is known, and not all storage backends could be read.
        """
        if self.clock() >= self._names_expire:
            self._refresh_names()
        return sorted(set().union(*self._names))

    def listing(self, model: str) -> Listing:
        """Lists the versions of a model; the same object as before when nothing has changed.

        Raises:
            NotFound: No model can have this name.
            RepositoryUnavailable: No storage backend has the model, but not all could be read.
        """
        checked = self._checked.get(model)
        if checked is not None and self.clock() - checked.at < self.refresh_seconds:
            return checked.listing
        return self._refresh(model_name(model), checked)

    def expire(self, model: str) -> None:
        """Makes the next question about a model look it up again."""
        if checked := self._checked.get(model):
            checked.at = float("-inf")

    def _refresh(self, model: str, before: _Checked | None) -> Listing:
        known: Sequence[StoredModel | None] = before.stored if before else [None] * len(self._storages)
        stored: list[StoredModel | None] = []
        unread = None
        for storage, last in zip(self._storages, known, strict=True):
            try:
                stored.append(storage.stored(model))
            except RepositoryUnavailable as error:
                LOGGER.warning("model repository: %s; model %s is served as last seen", error, model)
                unread = str(error)
                stored.append(last)
        listing = Listing(model, _merged(self._storages, stored), unread)
        if unread is not None and not listing.versions:
            raise RepositoryUnavailable(unread)
        if before is not None and before.listing == listing:
            listing = before.listing
        self._remember(model, _Checked(self.clock(), stored, listing))
        return listing

    def _remember(self, model: str, checked: _Checked) -> None:
        self._checked.pop(model, None)
        self._checked[model] = checked
        if len(self._checked) > REMEMBERED_MODELS:
            del self._checked[next(iter(self._checked))]

    def _refresh_names(self) -> None:
        unread = None
        for index, storage in enumerate(self._storages):
            try:
                self._names[index] = storage.models()
            except RepositoryUnavailable as error:
                LOGGER.warning("model repository: %s; its models are listed as last seen", error)
                unread = str(error)
        if unread is not None and not any(self._names):
            raise RepositoryUnavailable(unread)
        self._names_expire = self.clock() + self.refresh_seconds


def _merged(storages: Sequence[ModelStorage], stored: Sequence[StoredModel | None]) -> dict[int, Candidate]:
    found = [(storage, here) for storage, here in zip(storages, stored, strict=True) if here is not None]
    configured = next(((storage, here) for storage, here in found if here.config is not None), (None, None))
    codes: dict[int | None, StoredCode] = {}
    for _, here in reversed(found):
        codes |= here.code
    candidates: dict[int, Candidate] = {}
    for storage, here in found:
        configured_by, source = (storage, here) if here.config is not None else configured
        config = source.config if source is not None else None
        for number, version in here.versions.items():
            if winner := candidates.get(number):
                candidates[number] = winner._replace(hidden=(*winner.hidden, storage.kind))
            else:
                code = codes.get(number) or codes.get(None)
                candidates[number] = Candidate(
                    version,
                    storage,
                    configured_by,
                    f"{version.fingerprint}/{config}/{code}",
                    code=code.path if code else None,
                    ignores_code=here.ignores_code,
                )
    return dict(sorted(candidates.items(), reverse=True))
