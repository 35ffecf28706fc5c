"""Compressed bodies, both ways, with a cap on what they may grow to."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator

from triptych.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from triptych.protocol.decoders import CODINGS, Damaged, Decoder

_USUAL_MEMORY, _USUAL_PLAIN = 1769, 64 * 2**20  # megabytes of a function, and bytes that it was seen to take


class PlainLimit:
    """How many plain bytes are taken where all of them are in memory.

    Attributes:
        bytes: How many; tensors of few values shrink to less than a tenth when they are compressed.
    """

    def __init__(self) -> None:
        self.bytes = _USUAL_PLAIN

    def follow(self, megabytes: int) -> None:
        """Follows the memory of a function: an eighth, 64 MiB at most; above 1,769 MB in proportion to it."""
        eighth = megabytes * 2**20 // 8
        self.bytes = max(min(_USUAL_PLAIN, eighth), _USUAL_PLAIN * megabytes // _USUAL_MEMORY)


PLAIN_LIMIT = PlainLimit()
"""That of this process."""

MIN_COMPRESSED = 1024
"""Answers below this many bytes fit one network packet: compressing them gains nothing."""

_PLAIN = "identity"
_BLOCK = 2**16  # bytes that are decoded at once: of many short members in one, each would copy all the rest
_LEVEL = 1  # the fastest: a caller waits, and tensors of floats hardly shrink further at higher levels
_WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_CODING = re.compile(r"(?:^|,)\s*([\w*-]+)\s*(?:;\s*q=(\d(?:\.\d*)?)\s*)?(?=,|$)", re.ASCII)
"""One coding that a caller accepts, with its weight; what is not of this form is passed over."""


def decompress(body: bytes, encoding: str | None) -> bytes:
    """Undoes the Content-Encoding of a body.

    Raises:
        UnsupportedMediaType: Such an encoding is not read here.
        BadRequest: The body is not what its encoding says.
        PayloadTooLarge: It grows beyond `PLAIN_LIMIT`.
    """
    return b"".join(decompressed([body], encoding, PLAIN_LIMIT.bytes))


def decompressed(blocks: Iterable[bytes], encoding: str | None, limit: int) -> Iterator[bytes]:
    """Undoes a Content-Encoding piece by piece; memory does not grow with the body.

    Args:
        blocks: The pieces of the body.
        encoding: Its Content-Encoding.
        limit: Bytes that it may decompress to.

    Raises:
        UnsupportedMediaType: Such an encoding is not read here.
        BadRequest: The body is not what its encoding says.
        PayloadTooLarge: It grows beyond the limit.
    """
    name = (encoding or _PLAIN).strip().lower()
    if name == _PLAIN:
        yield from blocks
        return
    total = 0
    for plain in _decoded(blocks, name):
        total += len(plain)
        if total > limit:
            raise PayloadTooLarge(f"the body decompresses to more than {limit} bytes; send less at once")
        if plain:
            yield plain


def plain_size(body: bytes, encoding: str | None) -> int:
    """Counts what a body decompresses to, without keeping it; errors are those of `decompress`."""
    return sum(map(len, decompressed([body], encoding, PLAIN_LIMIT.bytes)))


def choose_encoding(accept_encoding: str | None, size: int) -> str | None:
    """Chooses the encoding of an answer, None for plain.

    Args:
        accept_encoding: What the caller accepts, as in its header.
        size: Bytes of the plain answer.
    """
    if not accept_encoding or size < MIN_COMPRESSED:
        return None
    accepted: dict[str, str] = dict(_CODING.findall(accept_encoding.lower()))
    for encoding in _WINDOW:
        quality = accepted.get(encoding, accepted.get("*", "0"))
        if float(quality or 1) > 0:
            return encoding
    return None


def compress(body: bytes, encoding: str) -> bytes:
    """Compresses an answer with gzip or deflate (the zlib format, as HTTP means it)."""
    return zlib.compress(body, _LEVEL, _WINDOW[encoding])


def _decoded(blocks: Iterable[bytes], name: str) -> Iterator[bytes]:
    coding = CODINGS.get(name)
    if coding is None:
        raise UnsupportedMediaType(f"Content-Encoding {name!r} is not read; use {', '.join(CODINGS)} or none")
    decoder = Decoder(coding)
    try:
        for block in blocks:
            for start in range(0, len(block), _BLOCK):
                yield from decoder.feed(block[start : start + _BLOCK])
        decoder.end()
    except Damaged as error:
        raise BadRequest(f"the body is not valid {name}: {error}") from None
