"""How long a message waits before it comes again."""

from __future__ import annotations

import random
from typing import NamedTuple

_LONGEST = 900
"""Seconds: what made an attempt fail is seldom gone in less than a quarter of an hour if not at once."""


class Backoff(NamedTuple):
    """Growing waits, spread so that messages that failed together do not come back together.

    Attributes:
        first: Seconds that the wait after the first delivery has at most.
    """

    first: int

    def seconds(self, receives: int) -> int:
        """Gives the wait after a delivery.

        Args:
            receives: How often the message was delivered.
        """
        longest = min(self.first * 2 ** (receives - 1), _LONGEST)
        return random.randint((longest + 1) // 2, longest)  # noqa: S311 - spreads load, keeps no secret
