"""Compressed bodies, both ways."""

import gzip
import zlib

import pytest
from triptych.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from triptych.protocol.compression import (
    MIN_COMPRESSED,
    PLAIN_LIMIT,
    PlainLimit,
    choose_encoding,
    compress,
    decompress,
)

BODY = b'{"inputs": []}' * 100


@pytest.mark.parametrize("encoding", [None, "", "identity", "Identity"])
def test_plain(encoding: str | None) -> None:
    """A body without encoding stays what it is."""
    assert BODY == decompress(BODY, encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_there_and_back(encoding: str) -> None:
    """What is compressed here is decompressed here; the encoding may be in any case."""
    compressed = compress(BODY, encoding)
    assert len(compressed) < len(BODY)
    assert BODY == decompress(compressed, encoding)
    assert BODY == decompress(compressed, f" {encoding.upper()} ")


def test_as_others_do() -> None:
    """Gzip and the zlib format are what HTTP means by gzip and deflate."""
    assert BODY == gzip.decompress(compress(BODY, "gzip"))
    assert BODY == zlib.decompress(compress(BODY, "deflate"))
    assert BODY == decompress(gzip.compress(BODY), "gzip")
    assert BODY == decompress(zlib.compress(BODY), "deflate")


@pytest.mark.parametrize("encoding", ["br", "zst", "gzip, gzip", "x"])
def test_unknown_encoding(encoding: str) -> None:
    """Other encodings are refused, with the ones that are read."""
    with pytest.raises(UnsupportedMediaType, match="is not read; use gzip, deflate, zstd or none"):
        decompress(BODY, encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("damage", ["plain", "empty", "short", "long", "flipped"])
def test_damaged(encoding: str, damage: str) -> None:
    """A body that is not what its encoding says is refused."""
    whole = compress(BODY, encoding)
    body = {
        "plain": BODY,
        "empty": b"",
        "short": whole[:-1],
        "long": whole + b"x",
        "flipped": whole[:-1] + bytes([whole[-1] ^ 1]),
    }[damage]
    with pytest.raises(BadRequest, match=f"the body is not valid {encoding}"):
        decompress(body, encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_cap(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body may decompress to the cap and not to one byte more."""
    monkeypatch.setattr(PLAIN_LIMIT, "bytes", 100_000)
    assert 100_000 == len(decompress(compress(bytes(100_000), encoding), encoding))
    for size in (100_001, 200_000, 10_000_000):
        with pytest.raises(PayloadTooLarge, match="more than 100000 bytes"):
            decompress(compress(bytes(size), encoding), encoding)


@pytest.mark.parametrize(
    ("megabytes", "most"), [(128, 16), (512, 64), (1024, 64), (1769, 64), (3538, 128), (10_240, 370)]
)
def test_limit_follows_the_memory(megabytes: int, most: int) -> None:
    """Functions with more memory take larger bodies, those with very little smaller ones."""
    limit = PlainLimit()
    limit.follow(megabytes)
    assert most == limit.bytes >> 20


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (None, None),
        ("", None),
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("deflate, gzip", "gzip"),
        ("gzip, deflate, br, zstd", "gzip"),
        ("GZIP", "gzip"),
        ("br", None),
        ("identity", None),
        ("*", "gzip"),
        ("*;q=0", None),
        ("*;q=0, deflate", "deflate"),
        ("gzip;q=0", None),
        ("gzip;q=0.0, deflate;q=0.5", "deflate"),
        ("gzip;q=0, *", "deflate"),
        ("gzip;q=1", "gzip"),
        ("gzip ; q=0.001", "gzip"),
        ("gzip; q=1.", "gzip"),
        ("x-gzip", None),
        ("notgzip", None),
    ],
)
def test_choice(accepted: str | None, expected: str | None) -> None:
    """Gzip goes before deflate, and neither is used where it has the weight 0."""
    assert expected == choose_encoding(accepted, 1_000_000)


@pytest.mark.parametrize(
    "garbage",
    ["gzip;q=abc", "gzip;q=.", "gzip;q=", "gzip;q=1.2.3", "gzip;q=-1", "gzip;", ";", ",,,", "gzip deflate"],
)
def test_garbage(garbage: str) -> None:
    """What is not of the header's form is passed over; what stands beside it counts."""
    assert None is choose_encoding(garbage, 1_000_000)
    assert "deflate" == choose_encoding(f"{garbage}, deflate", 1_000_000)


def test_small_answers_stay_plain() -> None:
    """Compressing what fits one packet gains nothing."""
    assert None is choose_encoding("gzip", MIN_COMPRESSED - 1)
    assert "gzip" == choose_encoding("gzip", MIN_COMPRESSED)


def test_same_bytes_for_the_same_answer() -> None:
    """Gzip holds no time: equal answers are equal bytes."""
    assert compress(BODY, "gzip") == compress(BODY, "gzip")
    assert bytes(4) == compress(BODY, "gzip")[4:8]
