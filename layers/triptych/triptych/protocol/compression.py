"""gzip and deflate bodies, both ways, with a cap on what they may grow to."""

from __future__ import annotations

import re
import zlib

from triptych.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType

MAX_DECOMPRESSED = 64 * 2**20
"""Bytes that a body may decompress to: tensors of few values shrink to less than a tenth."""

MIN_COMPRESSED = 1024
"""Answers below this many bytes fit one network packet: compressing them gains nothing."""

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
    encoding = (encoding or "identity").strip().lower()
    if encoding == "identity":
        return body
    window = _WINDOW.get(encoding)
    if window is None:
        raise UnsupportedMediaType(f"Content-Encoding {encoding!r} is not read; use gzip, deflate or none")
    inflater = zlib.decompressobj(window)
    try:
        plain = inflater.decompress(body, MAX_DECOMPRESSED)
    except zlib.error as error:
        raise BadRequest(f"the body is not valid {encoding}: {error}") from None
    if inflater.unconsumed_tail:
        raise PayloadTooLarge(
            f"the body decompresses to more than {MAX_DECOMPRESSED} bytes; send less at once"
        )
    if not inflater.eof or inflater.unused_data:
        raise BadRequest(f"the body is not valid {encoding}: it is cut short, or something follows it")
    return plain


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
