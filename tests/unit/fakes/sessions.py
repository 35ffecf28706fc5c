"""Sessions that only know what they were opened from, and a factory that knows which are still open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakSet

from triptych.clock import Deadline
from triptych.errors import ModelUnavailable, NotSupported
from triptych.models.config import ModelConfig, SessionSettings
from triptych.models.model import ModelSession, VersionFiles
from triptych.models.storage import graph_in
from triptych.protocol.tensors import Signature, Tensor


@dataclass(eq=False)
class ContentSession(ModelSession):
    """An open model that gives back what it takes.

    Attributes:
        content: What its file holds.
        settings: How it was opened.
        signature: No inputs, no outputs.
    """

    content: str
    settings: SessionSettings
    signature: Signature = field(default_factory=lambda: Signature((), ()))

    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        """Returns inputs as outputs of the same name."""
        deadline.check("pretending to run")
        return {name: inputs[name] for name in outputs}


@dataclass
class Sessions:
    """Opens any file but those that say `corrupt` or `unsupported`.

    Attributes:
        memory: Bytes that a session takes, by the content of its file; none where not told.
        opened: Content of every file that was opened or refused, in order.
    """

    memory: dict[str, int] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    _alive: WeakSet[ContentSession] = field(default_factory=WeakSet[ContentSession])

    def __call__(self, files: VersionFiles, _: ModelConfig, settings: SessionSettings) -> ContentSession:
        """Opens a version."""
        content = graph_in(files.directory).read_text()
        self.opened.append(content)
        if content.startswith("corrupt"):
            raise ModelUnavailable("the model cannot be opened: it is corrupt")
        if content.startswith("unsupported"):
            raise NotSupported("input 'x' is a sequence, which is not served")
        session = ContentSession(content, settings)
        self._alive.add(session)
        return session

    @property
    def alive(self) -> list[str]:
        """Contents of the sessions that somebody still holds, sorted."""
        return sorted(session.content for session in self._alive)

    def process_memory(self) -> int:
        """Bytes that all sessions take together."""
        return sum(self.memory.get(session.content, 0) for session in self._alive)
