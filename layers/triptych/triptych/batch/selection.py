"""Which files a batch is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import orjson

from triptych.adapters.ahead import ahead
from triptych.batch.key_lists import all_keys
from triptych.batch.places import Places
from triptych.batches.batch import BatchSource
from triptych.batches.keys import is_folder, manifest_key
from triptych.interfaces.objects import StoredObject

_AT_ONCE = 16
"""Files that are looked at at once."""


class Selection:
    """Finds the files of batches.

    Args:
        places: Where batches read and write.
    """

    def __init__(self, places: Places) -> None:
        self._places = places

    def __call__(self, source: BatchSource) -> Iterator[StoredObject | str]:
        """Finds files in the order of the list, or of their keys.

        Yields:
            Each file; the key alone of one that was listed by the caller and is not there.

        Raises:
            BadRequest: The list of keys has been deleted.
            ServiceUnavailable: A bucket cannot be reached.
        """
        return (found for found in self.looks(source) if found is not None)

    def looks(self, source: BatchSource) -> Iterator[StoredObject | str | None]:
        """Looks at one file after the other, so that the caller can stop when there is no time left.

        Yields:
            As when called; None for a file that is left out: it is not new, or was removed meanwhile.

        Raises:
            BadRequest: The list of keys has been deleted.
            ServiceUnavailable: A bucket cannot be reached.
        """
        inputs = self._places.inputs
        if source.prefix is None:
            yield from ahead(
                lambda key: inputs.find(key) or key, all_keys(self._places.work, source), _AT_ONCE
            )
            return
        look: Callable[[str], StoredObject | None] = self._new if source.only_new else inputs.find
        yield from ahead(look, self._listed(source.prefix), _AT_ONCE)

    def _listed(self, prefix: str) -> Iterable[str]:
        return (listed.key for listed in self._places.inputs.list(prefix) if not is_folder(listed.key))

    def _new(self, key: str) -> StoredObject | None:
        """Gives a file unless its manifest says that it was transformed as it is, or cannot be."""
        found = self._places.inputs.find(key)
        if found is None:
            return None
        manifest = self._places.outputs.get(manifest_key(key))
        return found if manifest is None or not _is_of(orjson.loads(manifest), found) else None


def _is_of(manifest: dict[str, object], found: StoredObject) -> bool:
    described, error = manifest.get("input"), manifest.get("error")
    known = described if isinstance(described, dict) else {}
    may_pass = isinstance(error, dict) and error.get("retryable") is True
    return (known.get("version"), known.get("etag")) == (found.version, found.etag) and not may_pass
