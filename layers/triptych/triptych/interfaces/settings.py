"""How a model is run."""

from __future__ import annotations

from typing import Literal, NamedTuple

Weights = Literal["mapped", "prepacked"]


class SessionSettings(NamedTuple):
    """Execution settings of one model.

    Attributes:
        threads: Threads inside one operator.
        weights: `mapped` opens at once and leaves external weights on disk; `prepacked` opens slower,
            takes more memory and runs big batches faster.
        arena: Whether memory is kept between runs.
    """

    threads: int = 1
    weights: Weights = "mapped"
    arena: bool = True
