"""Files with more columns than a message of the state machine takes."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.transitions import handed_over
from triptych.batches.uploads import Upload
from triptych.clock import Deadline
from triptych.errors import ServiceUnavailable
from triptych.lifecycle.store import plain
from triptych.rows.options import BatchOptions

from tests.support.batch_world import BatchWorld

NAMES = ["island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex", "year"]
EXTRA = [f"{number:0700}é" for number in range(400)]
HEAD = ",".join(NAMES + EXTRA).encode() + b"\n"
ROWS = [b"Torgersen,39.1,18.7,181,%d,male,2007" % (3000 + n) + b",7" * len(EXTRA) + b"\n" for n in range(4)]
BODY = HEAD + b"".join(ROWS)
MESSAGE = 256 << 10  # bytes that Step Functions takes
SMALL = 8 << 10  # bytes that are nothing beside it
KEY = "penguins/wide.csv"


class Wide:
    """A world with a wide file, and everything that its functions tell each other.

    Args:
        directory: Where the buckets are.
        key: Key of the file.
        body: The file.
        join: Its option of this name.
        chunk_bytes: Bytes of its chunks.
    """

    def __init__(
        self, directory: Path, key: str, body: bytes, join: str = "none", chunk_bytes: int = 100
    ) -> None:
        self.world = BatchWorld(directory, block=2**20, direct_bytes=2**30, chunk_bytes=chunk_bytes)
        wishes = {"outputs": "species,probabilities", "join": join}
        self.found = self.world.inputs.drop(key, body, wishes)
        self.messages: list[bytes] = []

    def direct(self) -> None:
        """Transforms the file as an upload."""
        upload = Upload(self.found.key, self.found.version, self.found.etag)
        assert self.world.uploads.process(upload, Deadline.after(60)) is None

    def planned(self) -> dict[str, Any]:
        """Plans the file for the state machine."""
        batch = Batch("b", None, None, BatchSource((self.found.key,)), BatchOptions(), self.world.clock())
        self.world.store.add(handed_over(batch, self.world.clock()))
        return self.told("plan")

    def told(self, name: str, **message: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Runs a step of the state machine, and keeps what travels."""
        sent = orjson.dumps({"batch": "b", **message, "step": name})
        answer: dict[str, Any] = self.world.machine.run(orjson.loads(sent), Deadline.after(60))
        self.messages += [sent, orjson.dumps(answer)]
        return answer

    def run(self, **first: object) -> None:
        """Runs the state machine; the first call of each chunk is told a bit more."""
        plan = self.planned()
        for chunk in self.world.listed(plan):
            answer = self.told("chunk", chunk=chunk, **first)
            while not answer["done"]:
                answer = self.told("chunk", **answer)
        for join in self.world.listed(plan, "joins"):
            self.told("merge", join=join)
        self.told("merge", finish=True)

    def made(self) -> tuple[bytes, object]:
        """Returns the output, and what the manifest says of it."""
        (batch,) = self.world.store.batches.values()
        assert Status.SUCCEEDED is batch.status
        manifest = orjson.loads(self.world.outputs.get(f"{self.found.key}.manifest.json") or b"")
        return self.world.outputs.get(f"{self.found.key}.out") or b"", manifest["output"]["columns"]


@pytest.mark.parametrize("join", ["none", "all"])
@pytest.mark.parametrize(
    ("ending", "compress", "first"),  # a late chunk is copied, as if there had not been enough time for it
    [("", bytes, {}), (".gz", gzip.compress, {}), (".gz", gzip.compress, {"late": True})],
    ids=["plain", "compressed", "copied"],
)
def test_wide_header(
    tmp_path: Path, join: str, ending: str, compress: Callable[[bytes], bytes], first: dict[str, object]
) -> None:
    """Messages and items of a wide file stay small, and it has the output that it has without them."""
    assert len(HEAD) > MESSAGE
    direct = Wide(tmp_path / "direct", KEY, BODY, join)
    direct.direct()
    wide = Wide(tmp_path / "machine", KEY + ending, compress(BODY), join, 2**40 if first else 100)
    wide.run(**first)
    assert direct.made() == wide.made()
    items = [orjson.dumps(plain(part)) for part in wide.world.store.kept_parts.values()]
    items += [orjson.dumps(plain(part)) for part in direct.world.store.kept_parts.values()]
    assert len(items) > 1
    assert max(map(len, wide.messages + items)) < SMALL
    headers = [key for key in wide.world.work.keys if "/headers/" in key]
    assert (2 if join == "all" else 1) == len(headers)


def test_header_that_is_gone(tmp_path: Path) -> None:
    """Without its header a chunk is not transformed, and says what to do."""
    wide = Wide(tmp_path, KEY, BODY)
    plan = wide.planned()
    (header,) = [key for key in wide.world.work.keys if "/headers/" in key]
    wide.world.work.delete(header)
    with pytest.raises(ServiceUnavailable, match="the header of the file is gone"):
        wide.told("chunk", chunk=wide.world.listed(plan)[0])
