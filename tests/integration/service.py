"""A store over a bucket, as the function has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from triptych.aws.bucket import Bucket
from triptych.aws.bucket_reader import BucketReader
from triptych.aws.clients import AwsClients
from triptych.clock import Deadline
from triptych.models.bucket import MODELS, BucketStorage
from triptych.models.config import SessionSettings
from triptych.models.disk_cache import RESERVE, ModelCache
from triptych.models.loader import Runtime
from triptych.models.memory import MemoryBudget
from triptych.models.repository import ModelRepository
from triptych.models.storage import DirectoryStorage
from triptych.models.store import ModelStore
from triptych.protocol.datatypes import FP32
from triptych.protocol.tensors import Tensor

from tests.integration.model_bucket import ModelBucket
from tests.integration.s3_server import Request
from tests.support.hooked_sessions import Hooks
from tests.unit.fakes.clock import Clock

REFRESH = 30.0
MB = 1 << 20


class RecordedBucket(BucketReader):
    """A reader of a bucket that counts what it is asked for."""

    def __init__(self, bucket: ModelBucket) -> None:
        super().__init__(bucket.name, MODELS, lambda: Bucket(AwsClients(), bucket.name, MODELS))
        self._server = bucket.server
        self._start = len(bucket.server.requests)

    @property
    def requests(self) -> Sequence[Request]:
        """Every request so far, in order."""
        return self._server.requests[self._start :]

    def count(self, operation: str) -> int:
        """How many requests of a kind were made."""
        return sum(request.operation == operation for request in self.requests)


@dataclass
class Service:
    """A store over the bucket, as the function has it.

    Attributes:
        cache: Where copies go.
        clock: Its time.
        reader: Its reader of the bucket.
        room: Bytes that the disk has room for; None for plenty.
        layer: A directory of models that comes before the bucket, if any.
    """

    cache: Path
    clock: Clock
    reader: RecordedBucket
    room: int | None = None
    layer: Path | None = None

    def __post_init__(self) -> None:
        self.storage = BucketStorage(self.reader, "models", ModelCache(self.cache, self.free))
        layers = [DirectoryStorage(self.layer)] if self.layer else []
        self.store = ModelStore(
            ModelRepository([*layers, self.storage], REFRESH, self.clock),
            Runtime(Hooks().open_session, SessionSettings()),
            MemoryBudget(1000 * MB),
        )

    def free(self, directory: Path) -> int:
        """Bytes free on the disk, which is small if a test says so."""
        used = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
        return RESERVE + (1000 * MB if self.room is None else self.room) - used

    def add(self, name: str, version: int | None = None) -> tuple[int, float]:
        """Asks a model for 0 plus its number; returns the version that answered, and the answer."""
        model = self.store.get(name, version)
        zeros = Tensor(FP32, np.zeros(64, dtype=np.float32))
        answer = model.session.run({"x": zeros}, ["y"], Deadline.after(10))["y"]
        return model.version, float(answer.values[0])

    @property
    def copies(self) -> list[str]:
        """Models and versions that are on the disk."""
        return sorted(path.name.rpartition("-")[0] for path in self.cache.iterdir() if path.is_dir())
