"""Compressed data of one member or many, cut anywhere, decodes to what it was made of."""

from __future__ import annotations

import gzip
import resource
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from time import monotonic

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st
from triptych.errors import BadRequest, PayloadTooLarge
from triptych.protocol.compression import decompress, decompressed, plain_size

MIB = 2**20
FRAME_TO_SKIP = b"\x5a\x2a\x4d\x18" + (7).to_bytes(4, "little") + b"skipped"
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}
CONTENTS = st.binary(max_size=200) | st.integers(0, 300_000).map(bytes)


def unsized(data: bytes) -> bytes:
    """Makes a frame of zstd that does not tell how long its content is."""
    compressor = zstd.ZstdCompressor()
    return compressor.compress(data, compressor.FLUSH_BLOCK) + compressor.flush()


def checked(data: bytes) -> bytes:
    """Makes a frame of zstd that ends with a checksum."""
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


def windowed(log: int) -> bytes:
    """Makes a frame of zstd with a window of 2**log bytes."""
    parameters = zstd.CompressionParameter
    compressor = zstd.ZstdCompressor(options={parameters.window_log: log, parameters.compression_level: 1})
    return compressor.compress(b"x" * 100, compressor.FLUSH_BLOCK) + compressor.flush()


FRAMES = st.tuples(st.sampled_from([zstd.compress, unsized, checked]), CONTENTS)


def blocks(data: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    """Cuts data at some places, which are taken modulo its length."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, stop in pairwise(places):
        yield data[start:stop]


@given(
    st.lists(CONTENTS, min_size=1, max_size=4), st.lists(st.integers(0, 2**20), max_size=8), st.integers(0, 9)
)
def test_members_of_gzip(members: list[bytes], cuts: list[int], padding: int) -> None:
    """Members one behind the other are one body, and zeros may fill up what follows them."""
    data = b"".join(COMPRESS["gzip"](member) for member in members) + bytes(padding)
    assert b"".join(members) == b"".join(decompressed(blocks(data, cuts), "gzip", 2**30))
    assert gzip.decompress(data) == decompress(data, "gzip")


@given(st.lists(FRAMES, max_size=4), st.lists(st.integers(0, 2**20), max_size=8))
def test_frames_of_zstd(frames: list[tuple[Callable[[bytes], bytes], bytes]], cuts: list[int]) -> None:
    """Frames one behind the other are one body, whether or not they tell their length; some are skipped."""
    data = FRAME_TO_SKIP.join([b"", *(made(plain) for made, plain in frames), FRAME_TO_SKIP])
    plain = b"".join(plain for _, plain in frames)
    assert plain == b"".join(decompressed(blocks(data, cuts), "zstd", 2**30))


@given(st.sampled_from(sorted(COMPRESS)), st.binary(max_size=2000), st.integers(0, 2**20))
def test_cut_short(encoding: str, plain: bytes, cut: int) -> None:
    """Wherever data ends too early, it is refused with what to do."""
    whole = COMPRESS[encoding](plain)
    data = whole[: cut % len(whole)]
    with pytest.raises(BadRequest, match=f"not valid {encoding}: it is cut short; send all of it"):
        decompress(data, encoding)


@pytest.mark.parametrize("encoding", sorted(COMPRESS))
@pytest.mark.parametrize("rest", [b"x", b"\xff\x1f\x8b", b"\n" * 100_000])
def test_something_follows(encoding: str, rest: bytes) -> None:
    """What is no member and follows one is refused, and told apart from what was cut short."""
    data = COMPRESS[encoding](b"plain" * 100) + rest
    with pytest.raises(BadRequest, match=f"not valid {encoding}: something else follows its end"):
        list(decompressed(blocks(data, range(0, len(data), 10_000)), encoding, MIB))


@pytest.mark.parametrize(
    ("encoding", "data", "reason"),
    [
        ("gzip", COMPRESS["gzip"](b"a") + b"\x1f\x8a\x08", "incorrect header check"),
        ("deflate", COMPRESS["deflate"](b"a") * 2, "something else follows"),
        ("zstd", COMPRESS["zstd"](b"a") + bytes(9), "something else follows"),
        ("zstd", COMPRESS["gzip"](b"a"), "Unknown frame descriptor"),
        ("zstd", COMPRESS["zstd"](b"a") + b"PK\x03\x04", "Unknown frame descriptor"),
        ("zstd", checked(b"a" * 99)[:-1] + b"\0", "doesn't match checksum"),
    ],
)
def test_damage(encoding: str, data: bytes, reason: str) -> None:
    """What is not data of its encoding is refused with the reason."""
    with pytest.raises(BadRequest, match=f"not valid {encoding}: .*{reason}"):
        decompress(data, encoding)


def test_window() -> None:
    """Frames that need more than 128 MiB to be read are refused, with how to make others."""
    assert b"x" * 100 == decompress(windowed(27), "zstd")
    with pytest.raises(BadRequest, match="more than 134217728 bytes; compress it with --long=27 or less"):
        decompress(windowed(28), "zstd")


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_memory_is_flat(encoding: str) -> None:
    """What grows a thousandfold and more is given in pieces of a MiB, as they are asked for."""
    data = COMPRESS[encoding](bytes(64 * MIB))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lengths = [len(piece) for piece in decompressed([data] * 8, encoding, 2**40)]
    assert (512 * MIB, True) == (sum(lengths), max(lengths) <= MIB)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
    with pytest.raises(PayloadTooLarge, match="more than 1000 bytes"):
        next(decompressed([data], encoding, 1000))


def test_many_short_members() -> None:
    """Members that hold nothing do not make the time grow with the square of their number."""
    data = COMPRESS["gzip"](b"") * 100_000
    started = monotonic()
    assert [] == list(decompressed([data], "gzip", 1))
    assert monotonic() - started < 10


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_plain_size(encoding: str) -> None:
    """The size that a body decompresses to is that of all its members, counted up to the cap."""
    member = COMPRESS[encoding](bytes(MIB))
    assert (3 * MIB, 5) == (plain_size(member * 3, encoding), plain_size(b"plain", None))
    with pytest.raises(PayloadTooLarge, match="more than 67108864 bytes"):
        plain_size(member * 65, encoding)
