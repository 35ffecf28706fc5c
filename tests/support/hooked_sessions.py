"""Real sessions with somebody who looks on, and may interfere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from triptych.clock import Deadline
from triptych.models.config import ModelConfig, SessionSettings
from triptych.models.model import ModelSession, VersionFiles
from triptych.protocol.tensors import Signature, Tensor
from triptych.tasks.open import open_session

type Hook = Callable[[Mapping[str, Tensor]], object]
"""Is called with the inputs of every run before it begins."""


@dataclass
class Hooks:
    """Opens sessions.

    Attributes:
        before: Called before every run.
    """

    before: list[Hook] = field(default_factory=list)

    def open_session(
        self, files: VersionFiles, config: ModelConfig, settings: SessionSettings
    ) -> HookedSession:
        """Opens a version."""
        return HookedSession(open_session(files, config, settings), self)


@dataclass(eq=False)
class HookedSession(ModelSession):
    """A session that calls hooks before it runs.

    Attributes:
        session: What runs.
        hooks: What is called.
    """

    session: ModelSession
    hooks: Hooks

    def __post_init__(self) -> None:
        self.signature: Signature = self.session.signature

    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        """Runs the model once."""
        for hook in self.hooks.before:
            hook(inputs)
        return self.session.run(inputs, outputs, deadline)
