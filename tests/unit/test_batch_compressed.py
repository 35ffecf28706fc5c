"""Compressed files give what plain ones do, in one go, and where there is not enough time for that."""

import gzip
import resource
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest
from backports import zstd
from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.file import encode
from triptych.batches.transitions import handed_over
from triptych.batches.uploads import Upload
from triptych.clock import Deadline
from triptych.inference.piece import Counts
from triptych.rows.options import BatchOptions

from tests.support.batch_world import BatchWorld

NAMES = ("island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex", "year")
RECORDS = [("Torgersen", 39.1, 18.7, 181, 3000 + number, "male", 2007) for number in range(40)]
CSV = b"\n".join(",".join(map(str, cells)).encode() for cells in [NAMES, *RECORDS]) + b"\n"
OBJECTS = [dict(zip(NAMES, record, strict=True)) for record in RECORDS]
LINES = b"".join(orjson.dumps(record) + b"\n" for record in OBJECTS)
JSON = orjson.dumps({"instances": OBJECTS})
COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "zst": zstd.compress}
ENDINGS = pytest.mark.parametrize("ending", ["gz", "zst"])


def members(text: bytes, ending: str) -> bytes:
    """Compresses text as three members, which are cut within records."""
    cuts = [0, 2, len(text) // 2, len(text)]
    return b"".join(COMPRESS[ending](text[cuts[at] : cuts[at + 1]]) for at in range(3))


class Machine:
    """The steps of the state machine for one file.

    Args:
        directory: Where the buckets are.
        key: Key of the file.
        body: The file.
    """

    def __init__(self, directory: Path, key: str, body: bytes) -> None:
        self.world = BatchWorld(directory)
        self.key = key
        self.world.inputs.drop(key, body, {"outputs": "species"})
        batch = Batch("b", None, None, BatchSource((key,)), BatchOptions(), created=1)
        self.batch = handed_over(batch, 2)
        self.world.store.add(self.batch)
        self.steps = self.world.machine

    def only(self) -> dict[str, Any]:
        """Plans the file as one chunk, however large it is; gives what the first step of it is told."""
        (listed,) = self.world.inputs.list(self.key)
        found = self.world.inputs.find(listed.key)
        assert found is not None
        (chunk,) = self.world.planner.chunks(self.batch, 0, found, Deadline.after(60), 2**40)
        return {"batch": "b", "chunk": encode(chunk)}

    def told(self, step: Mapping[str, Any], seconds: float = 60) -> dict[str, Any]:
        """Tells a step, as it travels, and gives its answer."""
        return self.steps.chunk(orjson.loads(orjson.dumps(step)), Deadline.after(seconds))

    def error_says(self, reason: str) -> tuple[bool, bool]:
        """Tells whether the manifest has a reason, and whether trying again may help."""
        error = orjson.loads(self.made("manifest.json"))["error"]
        return reason in error["message"], error["retryable"]

    def made(self, ending: str) -> bytes:
        """Reads an object that was made of the file."""
        return self.world.outputs.get(f"{self.key}.{ending}") or b""


@ENDINGS
@pytest.mark.parametrize(("name", "text"), [("a.csv", CSV), ("a.jsonl", LINES), ("a.json", JSON)])
def test_dropped(tmp_path: Path, name: str, text: bytes, ending: str) -> None:
    """A small compressed file has the output of the plain one at once."""
    world = BatchWorld(tmp_path)
    keys = {f"penguins/{name}": text, f"penguins/{name}.{ending}": members(text, ending)}
    for key, body in keys.items():
        found = world.inputs.drop(key, body, {"outputs": "species"})
        assert world.uploads.process(Upload(key, found.version, found.etag), Deadline.after(60)) is None
    plain, compressed = (world.outputs.get(f"{key}.out") or b"" for key in keys)
    assert (40, plain) == (plain.count(b"Adelie"), compressed)
    manifest = orjson.loads(world.outputs.get(f"penguins/{name}.{ending}.manifest.json") or b"{}")
    assert {"read": 40, "written": 40, "failed": 0} == manifest["records"]


@ENDINGS
@pytest.mark.parametrize(("name", "text"), [("a.csv", b"\xef\xbb\xbf" + CSV), ("a.jsonl", LINES)])
def test_not_enough_time(tmp_path: Path, name: str, text: bytes, ending: str) -> None:
    """A compressed file that takes too long is copied, and the copy gone on with wherever time was up."""
    machine = Machine(tmp_path, f"penguins/{name}.{ending}", members(text, ending))
    late = machine.told(machine.only(), seconds=-1)
    assert (True, False) == (late["late"], late["done"])
    answer = machine.told(late)
    assert (False, False, True) == ("late" in answer, answer["done"], answer["chunk"]["only"])
    for _ in range(2):  # as if a process had ended twice: less is done at once then
        machine.world.store.count_attempt("b", 0, answer["chunk"]["start"])
    steps = 0
    while not answer["done"]:
        answer, steps = machine.told(answer), steps + 1
    assert steps > 1
    machine.steps.merge({"batch": "b", "finish": True}, Deadline.after(60))
    ended = machine.world.store.batches["b"]
    assert (Status.SUCCEEDED, Counts(40, 40, 0)) == (ended.status, ended.counts)
    assert 40 == machine.made("out").count(b"Adelie")


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("a.csv.gz", gzip.compress(CSV, mtime=0), "not enough time to decompress the file; split it"),
        ("a.json", JSON, "not enough time for the file, whose format is read in one go; split it"),
    ],
)
def test_never_enough_time(tmp_path: Path, name: str, body: bytes, reason: str) -> None:
    """A file that cannot be done in the time there is ends with a reason, and is not tried for ever."""
    machine = Machine(tmp_path, f"penguins/{name}", body)
    late = machine.told(machine.only(), seconds=-1)
    answer = machine.told(late, seconds=-1)
    assert answer["done"]
    assert (True, False) == machine.error_says(reason)
    assert [] == machine.world.work.keys


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("a.csv.zst", zstd.compress(CSV)[:-1], "not valid zstd: it is cut short; send all of it"),
        ("a.csv.gz", gzip.compress(CSV, mtime=0) + b"junk", "not valid gzip: something else follows its end"),
        ("a.jsonl.zst", LINES, "not valid zstd: Unknown frame descriptor"),
        ("a.csv.gz", gzip.compress(CSV, mtime=0)[:5], "not valid gzip: it is cut short"),
    ],
)
def test_damaged(tmp_path: Path, name: str, body: bytes, reason: str) -> None:
    """What is not what its ending says fails with the reason, in one go and where it is copied."""
    for late in (False, True):
        machine = Machine(tmp_path / str(late), f"penguins/{name}", body)
        assert machine.told({**machine.only(), "late": late})["done"]
        assert (True, False) == machine.error_says(reason)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_bomb(tmp_path: Path, name: str) -> None:
    """Terabytes of nothing in a small file take neither memory nor more time than there is."""
    body = zstd.compress(b"\n" * 2**24) * 1000 * 64
    machine = Machine(tmp_path, f"penguins/{name}.zst", body)
    step, started = machine.only(), monotonic()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert machine.told(step, seconds=1)["late"]
    assert monotonic() - started < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
