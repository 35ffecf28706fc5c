"""Compressed bodies and files: decoding within a limit, and answers that are encoded as the caller accepts.

Compressed data is one or more members, each complete in itself: those of gzip (RFC 1952) and the frames of
zstd (RFC 8878). Tools that compress in parallel, or append to a file, write several. deflate has one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple, Protocol

from triptych.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType

_USUAL_MEMORY, _USUAL_PLAIN = 1769, 64 * 2**20  # megabytes of a function, and bytes that it was seen to take

MIN_COMPRESSED = 1024
"""Answers below this many bytes fit one network packet: compressing them gains nothing."""

MAX_WINDOW = 27
"""Binary logarithm of how far zstd may look back, in bytes: so much has to be kept in memory."""

_PLAIN = "identity"
_BLOCK = 2**16  # bytes that are decoded at once: of many short members in one, each would copy all the rest
_PIECE = 2**20  # bytes that are decoded to at once at most
_LEVEL = 1  # the fastest: a caller waits, and tensors of floats hardly shrink further at higher levels
_WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_ACCEPTED = re.compile(r"(?:^|,)\s*([\w*-]+)\s*(?:;\s*q=(\d(?:\.\d*)?)\s*)?(?=,|$)", re.ASCII)
"""One encoding that a caller accepts, with its weight; what is not of this form is ignored."""


class PlainLimit:
    """How many plain bytes are accepted where all of them are in memory.

    Tensors of few values shrink to less than a tenth when they are compressed.
    """

    def __init__(self) -> None:
        self.bytes = _USUAL_PLAIN

    def follow(self, megabytes: int) -> None:
        """Follows the memory of a function: an eighth, 64 MiB at most; above 1,769 MB in proportion to it."""
        eighth = megabytes * 2**20 // 8
        self.bytes = max(min(_USUAL_PLAIN, eighth), _USUAL_PLAIN * megabytes // _USUAL_MEMORY)


PLAIN_LIMIT = PlainLimit()
"""That of this process."""


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

    Raises:
        UnsupportedMediaType: Such an encoding is not read here.
        BadRequest: The body is not what its encoding says.
        PayloadTooLarge: It decompresses to more than `limit` bytes.
    """
    name = (encoding or _PLAIN).strip().lower()
    if name == _PLAIN:
        yield from blocks
        return
    total = 0
    for plain in _decoded(blocks, Decoder(name)):
        total += len(plain)
        if total > limit:
            raise PayloadTooLarge(f"the body decompresses to more than {limit} bytes; send less at once")
        if plain:
            yield plain


def plain_size(body: bytes, encoding: str | None) -> int:
    """Counts what a body decompresses to, without keeping it; errors are those of `decompress`."""
    return sum(map(len, decompressed([body], encoding, PLAIN_LIMIT.bytes)))


def _decoded(blocks: Iterable[bytes], decoder: Decoder) -> Iterator[bytes]:
    for block in blocks:
        for start in range(0, len(block), _BLOCK):
            yield from decoder.feed(block[start : start + _BLOCK])
    decoder.end()


class Decoder:
    """Decodes data of any number of members, in pieces of bounded length; messages call it `what`.

    Raises:
        UnsupportedMediaType: Such an encoding is not read here.
    """

    def __init__(self, encoding: str, what: str = "body") -> None:
        coding = _CODINGS.get(encoding)
        if coding is None:
            names = ", ".join(_CODINGS)
            raise UnsupportedMediaType(f"Content-Encoding {encoding!r} is not read; use {names} or none")
        self._coding = coding
        self._member = coding.member()
        self._invalid = f"the {what} is not valid {encoding}"

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Accepts more of the data, and yields what can be made of it.

        Raises:
            BadRequest: It is not what its encoding says.
        """
        rest = data
        while rest := self._next_member(rest) if self._member.eof else rest:
            yield self._decode(rest)
            while not (self._member.eof or self._member.needs_input):
                yield self._decode(b"")
            rest = self._member.unused_data

    def end(self) -> None:
        """Checks that the data is complete.

        Raises:
            BadRequest: It is not.
        """
        if not self._member.eof:
            raise BadRequest(f"{self._invalid}: it is cut short; send all of it")

    def _decode(self, data: bytes) -> bytes:
        try:
            return self._member.decompress(data, _PIECE)
        except zlib.error as error:
            raise BadRequest(f"{self._invalid}: {error}") from None
        except _zstd_error() as error:
            raise BadRequest(f"{self._invalid}: {_zstd_reason(str(error))}") from None

    def _next_member(self, rest: bytes) -> bytes:
        """Begins the next member, if there is one; returns the data from there on."""
        rest = rest.lstrip(self._coding.padding)
        if rest:
            if rest[0] not in self._coding.starts:
                raise BadRequest(f"{self._invalid}: something else follows its end; send it without that")
            self._member = self._coding.member()
        return rest


class _Member(Protocol):
    """Decodes one member: `ZstdDecompressor`, and `_Inflater` in the same form."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, size: int, /) -> bytes: ...


class _Inflater:
    """Decodes a member of gzip, or the one of zlib."""

    def __init__(self, window: int) -> None:
        self._inflater = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflater.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inflater.unused_data

    def decompress(self, data: bytes, size: int, /) -> bytes:
        return self._inflater.decompress(self._inflater.unconsumed_tail + data, size)


def _frame() -> _Member:
    from backports import zstd  # noqa: PLC0415 - few ask for it, and everybody would wait for it

    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: MAX_WINDOW})


def _zstd_error() -> type[Exception]:
    from backports import zstd  # noqa: PLC0415

    return zstd.ZstdError


def _zstd_reason(text: str) -> str:
    if "too much memory" in text:
        return f"its window has more than {2**MAX_WINDOW} bytes; compress it with --long={MAX_WINDOW} or less"
    return text.rpartition(": ")[2]


class _Coding(NamedTuple):
    """A way to compress.

    Attributes:
        member: Makes what decodes a member.
        starts: Bytes that a further member may begin with; none where there is only one.
        padding: Bytes that may follow a member and mean nothing.
    """

    member: Callable[[], _Member]
    starts: bytes = b""
    padding: bytes = b""


_FRAMES = bytes([0x28, *range(0x50, 0x60)])  # those with data, and those that are to be skipped
_CODINGS = {
    "gzip": _Coding(partial(_Inflater, _WINDOW["gzip"]), b"\x1f", b"\0"),
    "deflate": _Coding(partial(_Inflater, _WINDOW["deflate"])),
    "zstd": _Coding(_frame, _FRAMES),
}
"""What is read, by its name as a Content-Encoding."""


def choose_encoding(accept_encoding: str | None, size: int) -> str | None:
    """Chooses the encoding of an answer of `size` plain bytes by the caller's header; None for plain."""
    if not accept_encoding or size < MIN_COMPRESSED:
        return None
    accepted: dict[str, str] = dict(_ACCEPTED.findall(accept_encoding.lower()))
    for encoding in _WINDOW:
        quality = accepted.get(encoding, accepted.get("*", "0"))
        if float(quality or 1) > 0:
            return encoding
    return None


def compress(body: bytes, encoding: str) -> bytes:
    """Compresses an answer with gzip or deflate (the zlib format, as HTTP means it)."""
    return zlib.compress(body, _LEVEL, _WINDOW[encoding])
