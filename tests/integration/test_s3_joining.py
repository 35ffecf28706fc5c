"""Objects made of pieces."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from triptych.aws.objects import NewObject, StoredObject
from triptych.aws.uploads import Multipart
from triptych.errors import Conflict, ServiceUnavailable

from tests.integration.bucket_world import INPUTS, MIB, WORK, BucketWorld, content
from tests.integration.outages import NO_ANSWER, refusing


@pytest.fixture
def world(aws: None, tmp_path: Path) -> BucketWorld:  # noqa: ARG001 - it is created there
    """Buckets with nothing in them."""
    return BucketWorld(tmp_path / "made" / "when needed")


@pytest.fixture
def calls(world: BucketWorld) -> Counter[str]:
    """Counts the calls of each operation."""
    counted: Counter[str] = Counter()

    def count(model: object, **_: object) -> None:
        counted[getattr(model, "name", "")] += 1

    world.aws.bulk_s3.meta.events.register("before-call.s3", count)
    return counted


def objects(world: BucketWorld, bodies: Sequence[bytes]) -> list[bytes | StoredObject]:
    """Puts the first body as it is, and each other as an object of the work bucket."""
    pieces: list[bytes | StoredObject] = [bodies[0]]
    for number, body in enumerate(bodies[1:]):
        writer = world.work.create(f"parts/{number}", "text/csv")
        writer.write(body)
        pieces.append(writer.close())
    return pieces


@pytest.mark.parametrize(
    "sizes",
    [
        (0,),
        (7,),
        (0, 0, 0),
        (10, 20, 0, 30),
        (10, 5 * MIB),
        (0, 5 * MIB, 5 * MIB),
        (10, 12 * MIB, 7, 8, 6 * MIB, 3),
        (6 * MIB, 1, 11 * MIB),
        (0, 2 * MIB, 2 * MIB, 2 * MIB, 2 * MIB),
    ],
)
def test_joined(world: BucketWorld, sizes: Sequence[int]) -> None:
    """The whole is its pieces in order, of whatever sizes, in another bucket; it replaces what was there."""
    bodies = [content(size + number)[number:] for number, size in enumerate(sizes)]
    pieces = objects(world, bodies)
    world.inputs.put("out", b"before", "text/plain")
    stored = world.inputs.join("out", pieces, world.work, "text/csv")
    assert b"".join(bodies) == world.inputs.open(stored).read(0, stored.size)
    seen = world.inputs.find("out")
    assert seen is not None
    assert stored._replace(modified=0) == seen._replace(modified=0)
    assert world.aws.s3.head_object(Bucket=INPUTS, Key="out")["ContentType"] == "text/csv"


def test_large_pieces_are_copied(world: BucketWorld, calls: Counter[str]) -> None:
    """Of a header and large pieces, only what fills the first part up passes through here."""
    pieces = objects(world, [b"id,score\n", content(20 * MIB), content(9 * MIB)])
    calls.clear()
    world.inputs.join("out", pieces, world.work, "text/csv")
    once = {"CreateMultipartUpload", "GetObject", "UploadPart", "CompleteMultipartUpload"}
    assert {**dict.fromkeys(once, 1), "UploadPartCopy": 2} == calls


def test_small_wholes_are_one_request(world: BucketWorld, calls: Counter[str]) -> None:
    """A whole of less than 5 MiB is put at once."""
    pieces = objects(world, [b"id\n", b"1\n", b"2\n"])
    calls.clear()
    world.inputs.join("out", pieces, world.work, "text/csv")
    assert calls == {"GetObject": 2, "PutObject": 1}


def test_pieces_that_were_replaced(world: BucketWorld) -> None:
    """A small piece that is no longer what it was ends it, and nothing is left over."""
    pieces = objects(world, [content(6 * MIB), b"first"])
    world.work.put("parts/0", b"other", "text/plain")
    with pytest.raises(Conflict, match="replaced or removed"):
        world.work.join("out", pieces, world.work, "text/csv")
    assert world.work.find("out") is None
    assert world.uploads() == []


@pytest.mark.parametrize("code", ["PreconditionFailed", "NoSuchKey"])
def test_copies_that_were_replaced(world: BucketWorld, code: str) -> None:
    """A large piece that is no longer what it was ends it, and nothing is left over."""
    pieces = objects(world, [b"", content(6 * MIB), content(6 * MIB)])
    with refusing("UploadPartCopy", code), pytest.raises(Conflict, match="replaced or removed"):
        world.work.join("out", pieces, world.work, "text/csv")
    assert world.uploads() == []


def test_copies_name_their_generation(world: BucketWorld) -> None:
    """Every copy says of which generation, and which version where there is one."""
    writer = world.inputs.create("m/ä b", "text/csv")
    writer.write(content(6 * MIB))
    piece = writer.close()
    asked: list[dict[str, str]] = []

    def hear(params: dict[str, dict[str, str]], **_: object) -> None:
        asked.append(params["headers"])

    world.aws.bulk_s3.meta.events.register("before-call.s3.UploadPartCopy", hear)
    world.work.join("out", [piece], world.inputs, "text/csv")
    assert [f'"{piece.etag}"'] == [headers["x-amz-copy-source-if-match"] for headers in asked]
    source = asked[0]["x-amz-copy-source"]
    assert re.fullmatch(rf"{INPUTS}/m/%C3%A4%20b\?versionId=(.+)", source)
    assert source.endswith(str(piece.version))
    assert "x-amz-copy-source-range" not in asked[0]


@pytest.mark.parametrize(
    "operation", ["UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "GetObject"]
)
@pytest.mark.parametrize("code", ["AccessDenied", NO_ANSWER])
def test_outages(world: BucketWorld, operation: str, code: str) -> None:
    """Whatever fails, the whole does not appear, nothing is left over, and it can be made again."""
    bodies = [b"id\n", content(11 * MIB)]
    pieces = objects(world, bodies)
    with refusing(operation, code), pytest.raises(ServiceUnavailable):
        world.work.join("out", pieces, world.work, "text/csv")
    assert world.work.find("out") is None
    assert world.uploads() == []
    stored = world.work.join("out", pieces, world.work, "text/csv")
    assert b"".join(bodies) == world.work.get(stored.key)
    assert world.aws.s3.head_object(Bucket=WORK, Key="out")["ContentLength"] == stored.size


def test_copied_parts_keep_their_checksums() -> None:
    """S3 wants the checksum of each part again when the object is made; moto returns none for copies."""
    copied = {"CopyPartResult": {"ETag": "e", "ChecksumCRC32": "AAAAAA=="}}
    bucket: Any = SimpleNamespace(name="bucket", client=SimpleNamespace(upload_part_copy=lambda **_: copied))
    part = Multipart(bucket, NewObject("key", "text/csv"), "id").copy(
        3, {"Bucket": "b", "Key": "k"}, "e", None
    )
    assert {"PartNumber": 3, "ETag": "e", "ChecksumCRC32": "AAAAAA=="} == part
