"""The model repository: several places that look like one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from triptych.errors import NotFound, RepositoryUnavailable
from triptych.models.storage import ModelPlace, PlaceKind, StoredModel, StoredVersion
from triptych.protocol.names import model_name

LOGGER = logging.getLogger("triptych")
REMEMBERED_MODELS = 1024
"""Listings kept; callers may ask for any number of models that do not exist."""


class Candidate(NamedTuple):
    """A version that can be loaded, and where from.

    Attributes:
        stored: The version.
        place: The place that holds it.
        configured_by: The place whose `model.toml` counts: its own, else the first that has one.
        fingerprint: Changes whenever a file of the version, or that `model.toml`, changes.
        hidden: Later places that hold a version of this number too, which is not served.
    """

    stored: StoredVersion
    place: ModelPlace
    configured_by: ModelPlace | None
    fingerprint: str
    hidden: tuple[PlaceKind, ...] = ()

    def config(self) -> str | None:
        """Reads the text of the `model.toml` that counts for this version, if there is one.

        Raises:
            ModelUnavailable: It is not text.
            RepositoryUnavailable: Its place cannot be read now.
        """
        return self.configured_by.config(self.stored.model) if self.configured_by else None


class Listing(NamedTuple):
    """The versions of one model over all places.

    Attributes:
        model: Name of the model.
        versions: Candidates by version, the highest first.
        unread: Why a place could not be read, when one could not: it may hold more versions.
    """

    model: str
    versions: Mapping[int, Candidate]
    unread: str | None = None

    def all(self) -> Sequence[Candidate]:
        """Returns every version, the highest first; there is at least one.

        Raises:
            NotFound: No place has the model.
            RepositoryUnavailable: No place has the model, but not all could be read.
        """
        if not self.versions:
            raise self._missing(f"unknown model {self.model!r}")
        return tuple(self.versions.values())

    def one(self, version: int) -> Candidate:
        """Returns the version with that number.

        Raises:
            NotFound: No place has it.
            RepositoryUnavailable: No place has it, but not all could be read.
        """
        candidate = self.versions.get(version)
        if candidate is None:
            numbers = ", ".join(str(known.stored.version) for known in self.all())
            raise self._missing(f"unknown version {version} of model {self.model!r}, which has {numbers}")
        return candidate

    def matching(self, version: int | None) -> Sequence[Candidate]:
        """Returns the version with that number; of None every version, the highest first.

        Raises:
            NotFound: No place has it, or the model.
            RepositoryUnavailable: No place has it, or the model, but not all could be read.
        """
        return self.all() if version is None else (self.one(version),)

    def _missing(self, what: str) -> NotFound | RepositoryUnavailable:
        if self.unread is not None:
            return RepositoryUnavailable(self.unread)
        return NotFound(f"{what}; POST /v2/repository/index lists what there is")


@dataclass(slots=True)
class _Checked:
    """A listing, what each place said (None: nothing yet), and when."""

    at: float
    stored: Sequence[StoredModel | None]
    listing: Listing


class ModelRepository:
    """Finds models in several places; where two hold the same version, the earlier place wins.

    What the places say is believed for a short while, so that a request costs no listing, and a new
    version is noticed without a deploy. A place that cannot be read neither hides the models of the
    others, nor those that it listed before. Made for one thread.

    Args:
        places: Where models are, in order of preference.
        refresh_seconds: Age from which a listing is read again.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        places: Sequence[ModelPlace],
        refresh_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refresh_seconds = refresh_seconds
        self.clock = clock
        self._places = places
        self._checked: dict[str, _Checked] = {}
        self._names: list[Sequence[str]] = [() for _ in places]
        self._names_expire = float("-inf")

    def names(self) -> Sequence[str]:
        """Lists the names of all models, sorted.

        Raises:
            RepositoryUnavailable: No model is known, and not all places could be read.
        """
        if self.clock() >= self._names_expire:
            self._refresh_names()
        return sorted(set().union(*self._names))

    def listing(self, model: str) -> Listing:
        """Lists the versions of a model; the same object as before when nothing has changed.

        Raises:
            NotFound: No model can have this name.
            RepositoryUnavailable: No place has the model, but not all could be read.
        """
        checked = self._checked.get(model)
        if checked is not None and self.clock() - checked.at < self.refresh_seconds:
            return checked.listing
        return self._refresh(model_name(model), checked)

    def _refresh(self, model: str, before: _Checked | None) -> Listing:
        known: Sequence[StoredModel | None] = before.stored if before else [None] * len(self._places)
        stored: list[StoredModel | None] = []
        unread = None
        for place, last in zip(self._places, known, strict=True):
            try:
                stored.append(place.stored(model))
            except RepositoryUnavailable as error:
                LOGGER.warning("model repository: %s; model %s is served as last seen", error, model)
                unread = str(error)
                stored.append(last)
        listing = Listing(model, _merged(self._places, stored), unread)
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
        for index, place in enumerate(self._places):
            try:
                self._names[index] = place.models()
            except RepositoryUnavailable as error:
                LOGGER.warning("model repository: %s; its models are listed as last seen", error)
                unread = str(error)
        if unread is not None and not any(self._names):
            raise RepositoryUnavailable(unread)
        self._names_expire = self.clock() + self.refresh_seconds


def _merged(places: Sequence[ModelPlace], stored: Sequence[StoredModel | None]) -> dict[int, Candidate]:
    found = [(place, here) for place, here in zip(places, stored, strict=True) if here is not None]
    configured = next(((place, here) for place, here in found if here.config is not None), (None, None))
    candidates: dict[int, Candidate] = {}
    for place, here in found:
        configured_by, source = (place, here) if here.config is not None else configured
        config = source.config if source is not None else None
        for number, version in here.versions.items():
            if winner := candidates.get(number):
                candidates[number] = winner._replace(hidden=(*winner.hidden, place.kind))
            else:
                fingerprint = f"{version.fingerprint}/{config}"
                candidates[number] = Candidate(version, place, configured_by, fingerprint)
    return dict(sorted(candidates.items(), reverse=True))
