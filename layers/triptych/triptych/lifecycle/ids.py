"""Ids of jobs and of batches. The same key makes the same id: what is asked for again is the same record."""

from __future__ import annotations

import re
import uuid
from typing import NamedTuple

from triptych.errors import Conflict, NotFound

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def random_id() -> str:
    """Makes an id that nothing else has."""
    return str(uuid.uuid4())


class Ids(NamedTuple):
    """Ids of one noun.

    Attributes:
        noun: What has them, such as `job`.
        namespace: Any constant UUID of its own; another one forgets all keys.
    """

    noun: str
    namespace: uuid.UUID

    def derived(self, *parts: str) -> str:
        """Makes the id that belongs to a key.

        Args:
            parts: Who chose the key, and the key: the same key of two callers makes two ids.
        """
        # Lengths keep ("a", "b/c") and ("a/b", "c") apart.
        return str(uuid.uuid5(self.namespace, "/".join(f"{len(part)}:{part}" for part in parts)))

    def checked(self, text: str) -> str:
        """Returns an id as it is.

        Raises:
            NotFound: Nothing can have this id.
        """
        if not _ID.fullmatch(text):
            raise NotFound(f"there is no {self.noun} {text[:64]!r}")
        return text

    def key_used(self, identity: str) -> Conflict:
        """Returns the error of an idempotency key that was used for something else."""
        return Conflict(
            f"the idempotency key was used for {self.noun} {identity}, which asks for something else; "
            "choose another key, or send what was sent before"
        )
