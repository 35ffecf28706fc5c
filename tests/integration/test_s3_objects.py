"""Objects of S3: looked up, listed, read and written as streams."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import IncompleteReadError
from botocore.response import StreamingBody
from triptych.aws.objects import ObjectReader, StoredObject
from triptych.errors import BadRequest, Conflict, PayloadTooLarge, ServiceUnavailable

from tests.integration.bucket_world import INPUTS, MIB, WORK, BucketWorld, content
from tests.integration.outages import NO_ANSWER, refusing

GONE = "the file was replaced or removed since it was looked up"


@pytest.fixture
def world(aws: None, tmp_path: Path) -> BucketWorld:  # noqa: ARG001 - it is created there
    """Buckets with nothing in them."""
    return BucketWorld(tmp_path / "made" / "when needed")


def found(world: BucketWorld, body: bytes = b"0123456789") -> StoredObject:
    """Puts an object into the bucket that keeps versions, and looks it up."""
    world.inputs.put("m/a.csv", body, "text/csv")
    stored = world.inputs.find("m/a.csv")
    assert stored is not None
    return stored


def test_looked_up(world: BucketWorld) -> None:
    """An object is found with its metadata, by names in lower case, and its version."""
    answer = world.aws.s3.put_object(Bucket=INPUTS, Key="m/ä b.csv", Body=b"12", Metadata={"Join": "rows"})
    stored = world.inputs.find("m/ä b.csv")
    assert stored is not None
    expected = ("m/ä b.csv", 2, answer["ETag"].strip('"'), answer["VersionId"], {"join": "rows"})
    assert expected == (stored.key, stored.size, stored.etag, stored.version, stored.metadata)
    assert 1_600_000_000_000 < stored.modified < 4_000_000_000_000


def test_versions(world: BucketWorld) -> None:
    """A version that was replaced, or whose object was deleted, is still found and read; no other is."""
    first = found(world, b"first")
    found(world, b"second")
    world.inputs.delete("m/a.csv")
    assert first == world.inputs.find("m/a.csv", first.version)
    assert world.inputs.open(first).read(0, 99) == b"first"
    assert world.inputs.find("m/a.csv") is None
    assert world.work.find("missing") is None


def test_what_may_not_be_seen(world: BucketWorld) -> None:
    """That an object may not be seen, or a bucket does not answer, is told: nothing is taken for removed."""
    with refusing("HeadObject", "403"), pytest.raises(ServiceUnavailable, match="access to it is denied"):
        world.inputs.find("m/a.csv")
    with refusing("HeadObject", NO_ANSWER), pytest.raises(ServiceUnavailable, match="store of files") as told:
        world.inputs.find("m/a.csv")
    assert "secret" not in str(told.value)


def test_listed(world: BucketWorld) -> None:
    """Lists have all objects below a prefix in the order of keys, also when there are over a thousand."""
    keys = [f"m/{number:04d}" for number in range(1001)]
    for key in [*reversed(keys), "n/0"]:
        world.aws.s3.put_object(Bucket=WORK, Key=key, Body=b"1")
    listed = list(world.work.list("m/"))
    assert keys == [stored.key for stored in listed]
    looked_up = world.work.find("m/0000")
    assert looked_up is not None
    assert listed[0] == looked_up._replace(content_type=None)


def test_small_objects(world: BucketWorld) -> None:
    """A small object is written, read and deleted; what is put once stays as it is."""
    assert world.work.put("k", b"1", "text/plain", once=True)
    assert not world.work.put("k", b"2", "text/plain", once=True)
    assert world.work.get("k") == b"1"
    assert world.work.put("k", b"3", "text/plain")
    assert world.work.get("k") == b"3"
    world.work.delete("k")
    world.work.delete("k")
    assert world.work.get("k") is None


def test_blocks(world: BucketWorld) -> None:
    """Blocks follow each other from the first byte to the last, whatever their number."""
    body = content(1000)
    reader = ObjectReader(world.inputs, found(world, body), block=64)
    assert body[10:990] == b"".join(reader.blocks(10, 990))
    assert [64] * 15 + [40] == [len(block) for block in reader.blocks(0, 2000)]
    assert list(reader.blocks(5, 5)) == []
    assert reader.read(5, 5) == b""
    assert (1000, body[990:]) == (reader.size, reader.read(990, 2000))


@pytest.mark.parametrize("known", [True, False])
def test_replaced_while_read(world: BucketWorld, known: bool) -> None:  # noqa: FBT001 - pytest passes it so
    """A known version is read on when it is replaced; without versions, the reader is told."""
    bucket = world.inputs if known else world.work
    bucket.put("k", b"first", "text/plain")
    stored = bucket.find("k")
    assert stored is not None
    reader = bucket.open(stored)
    bucket.put("k", b"other", "text/plain")
    if known:
        assert reader.read(0, 5) == b"first"
        return
    for read in (lambda: reader.read(0, 5), lambda: list(reader.blocks(0, 5))):
        with pytest.raises(Conflict, match=GONE):
            read()
    bucket.delete("k")
    with pytest.raises(Conflict, match=GONE):
        reader.read(0, 5)


def test_version_that_is_gone(world: BucketWorld) -> None:
    """A version that was deleted for good is not read as another one."""
    stored = found(world)
    found(world, b"other")
    world.aws.s3.delete_object(Bucket=INPUTS, Key=stored.key, VersionId=stored.version or "")
    with pytest.raises(Conflict, match=GONE), world.inputs.open(stored).local():
        pass


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AccessDenied", ServiceUnavailable),
        (NO_ANSWER, ServiceUnavailable),
        ("InvalidObjectState", BadRequest),
    ],
)
def test_not_read(world: BucketWorld, code: str, error: type[Exception]) -> None:
    """What cannot be read is told in words that name neither bucket nor key."""
    reader = world.inputs.open(found(world))
    with refusing("GetObject", code), pytest.raises(error) as told:
        reader.read(0, 5)
    assert not {"secret-name", INPUTS, "m/a.csv"} & set(str(told.value).split())


def test_answers_that_end_early(world: BucketWorld) -> None:
    """A range whose answer is lost is asked for again."""
    reader = world.inputs.open(found(world))
    with refusing("GetObject", NO_ANSWER, times=2):
        assert reader.read(0, 5) == b"01234"


def test_downloads_that_break_off(world: BucketWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A range that breaks off on its way to the disk is fetched again, and its bytes are in place."""
    body = content(40 * MIB)
    stored = found(world, body)
    breaks = iter([True, False, True])
    chunks = StreamingBody.iter_chunks

    def broken(answer: StreamingBody, size: int) -> Iterator[bytes]:
        given = chunks(answer, size)
        if next(breaks, False):
            yield next(given)
            raise IncompleteReadError(actual_bytes=size, expected_bytes=2 * size)
        yield from given

    monkeypatch.setattr(StreamingBody, "iter_chunks", broken)
    path = world.scratch.parent / "file"
    world.scratch.mkdir(parents=True)
    world.inputs.download({path: stored})
    assert body == path.read_bytes()


@pytest.mark.parametrize("code", ["AccessDenied", "PreconditionFailed", NO_ANSWER])
def test_downloads_that_fail(world: BucketWorld, tmp_path: Path, code: str) -> None:
    """Of downloads of which one fails, no file stays."""
    stored = found(world)
    paths = {tmp_path / name: stored for name in "abc"}
    with refusing("GetObject", code), pytest.raises((ServiceUnavailable, Conflict)):
        world.inputs.download(paths)
    assert not any(path.exists() for path in paths)


def test_local_copies(world: BucketWorld) -> None:
    """A local copy holds the wanted ranges where they belong, takes room for nothing else, and goes away."""
    size = 32 * MIB
    body = content(size)
    reader = world.inputs.open(found(world, body))
    wanted = [range(100), range(9 * MIB, 18 * MIB), range(size - 8, size)]
    with reader.local(wanted) as path:
        copied = path.read_bytes()
        assert size == len(copied)
        assert all(body[span.start : span.stop] == copied[span.start : span.stop] for span in wanted)
        assert path.stat().st_blocks * 512 < 10 * MIB
    with reader.local() as path:
        assert body == path.read_bytes()
    assert list(world.scratch.iterdir()) == []


def test_disk_that_is_full(world: BucketWorld) -> None:
    """What does not fit on the disk is told as too large, and nothing of it stays."""
    reader = world.inputs.open(found(world, content(4 * MIB)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, limits[1]))
    try:
        with pytest.raises(PayloadTooLarge, match="does not fit"), reader.local():
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(world.scratch.iterdir()) == []


@pytest.mark.parametrize("size", [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 41 * MIB])
def test_written(world: BucketWorld, size: int) -> None:
    """An object is there when it is closed, not before, and is what was written."""
    body = content(size)
    writer = world.work.create("k", "text/csv")
    for start in range(0, size, 3 * MIB):
        assert len(body[start : start + 3 * MIB]) == writer.write(body[start : start + 3 * MIB])
    assert world.work.find("k") is None
    stored = writer.close()
    writer.abort()
    seen = world.work.find("k")
    assert seen is not None
    assert seen._replace(modified=0) == stored._replace(modified=0)
    assert body == world.work.open(stored).read(0, size)
    assert world.aws.s3.head_object(Bucket=WORK, Key="k")["ContentType"] == "text/csv"
    with pytest.raises(ValueError, match="closed"):
        writer.write(b"1")


def test_aborted(world: BucketWorld) -> None:
    """Of an object that is aborted nothing stays, and the one that was there stays as it was."""
    world.work.put("k", b"before", "text/plain")
    writer = world.work.create("k", "text/plain")
    writer.write(content(20 * MIB))
    writer.abort()
    writer.abort()
    assert world.work.get("k") == b"before"
    assert world.uploads() == []
    with pytest.raises(ValueError, match="aborted"):
        writer.close()


@pytest.mark.parametrize(
    "operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject"]
)
def test_parts_that_fail(world: BucketWorld, operation: str) -> None:
    """What fails in the background comes out at the next write or close; nothing is visible or left over."""
    body = content(MIB if operation == "PutObject" else 12 * MIB)

    def write() -> None:
        writer = world.work.create("k", "text/plain")
        writer.write(body)
        writer.close()

    with refusing(operation, "SlowDown"), pytest.raises(ServiceUnavailable, match="fewer requests"):
        write()
    assert world.work.find("k") is None
    assert world.uploads() == []


def test_urls(world: BucketWorld) -> None:
    """A URL is signed for one object and some minutes."""
    url = world.work.url("m/a b.csv")
    assert WORK in url
    assert "m/a%20b.csv?" in url
    assert "X-Amz-Expires=900" in url
