"""gzip and deflate bodies, both ways, with a cap on what they may grow to."""

from __future__ import annotations

import re
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager

from triptych.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType

MAX_DECOMPRESSED = 64 * 2**20
"""Bytes that a body may decompress to: tensors of few values shrink to less than a tenth."""

MIN_COMPRESSED = 1024
"""Answers below this many bytes fit one network packet: compressing them gains nothing."""

_PIECE = 2**20
"""Bytes that are decompressed at once where a body comes in blocks."""

_LEVEL = 1  # the fastest: a caller waits, and tensors of floats hardly shrink further at higher levels
_WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_CODING = re.compile(r"(?:^|,)\s*([\w*-]+)\s*(?:;\s*q=(\d(?:\.\d*)?)\s*)?(?=,|$)", re.ASCII)
"""One coding that a caller accepts, with its weight; what is not of this form is passed over."""


def decompress(body: bytes, encoding: str | None) -> bytes:
    """Undoes the Content-Encoding of a body.

    Raises:
        UnsupportedMediaType: The encoding is neither gzip nor deflate.
        BadRequest: The body is not what its encoding says.
        PayloadTooLarge: It grows beyond `MAX_DECOMPRESSED`.
    """
    window = _window(encoding)
    if window is None:
        return body
    inflater = zlib.decompressobj(window)
    with _invalid(encoding):
        plain = inflater.decompress(body, MAX_DECOMPRESSED)
    if inflater.unconsumed_tail:
        raise _too_long(MAX_DECOMPRESSED)
    _check_end(encoding, ended=inflater.eof and not inflater.unused_data)
    return plain


def decompressed(blocks: Iterable[bytes], encoding: str | None, limit: int) -> Iterator[bytes]:
    """Undoes a Content-Encoding piece by piece.

    Args:
        blocks: The pieces of the body.
        encoding: Its Content-Encoding.
        limit: Bytes that it may decompress to.

    Raises:
        UnsupportedMediaType: The encoding is neither gzip nor deflate.
        BadRequest: The body is not what its encoding says.
        PayloadTooLarge: It grows beyond the limit.
    """
    window = _window(encoding)
    if window is None:
        yield from blocks
        return
    inflater = zlib.decompressobj(window)
    total = 0
    for block in blocks:
        rest = block
        while rest:
            with _invalid(encoding):
                plain = inflater.decompress(rest, _PIECE)
            total += len(plain)
            if total > limit:
                raise _too_long(limit)
            yield plain
            rest = inflater.unconsumed_tail
    _check_end(encoding, ended=inflater.eof and not inflater.unused_data)


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


def _window(encoding: str | None) -> int | None:
    """Gives what zlib calls an encoding; None when there is nothing to undo."""
    encoding = (encoding or "identity").strip().lower()
    if encoding != "identity" and encoding not in _WINDOW:
        raise UnsupportedMediaType(f"Content-Encoding {encoding!r} is not read; use gzip, deflate or none")
    return _WINDOW.get(encoding)


@contextmanager
def _invalid(encoding: str | None) -> Generator[None]:
    try:
        yield
    except zlib.error as error:
        raise BadRequest(f"the body is not valid {encoding}: {error}") from None


def _check_end(encoding: str | None, *, ended: bool) -> None:
    if not ended:
        raise BadRequest(f"the body is not valid {encoding}: it is cut short, or something follows it")


def _too_long(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"the body decompresses to more than {limit} bytes; send less at once")
