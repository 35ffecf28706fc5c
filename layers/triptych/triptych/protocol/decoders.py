"""Decoders of compressed data.

Data is one or more members, each complete in itself: those of gzip (RFC 1952) and the frames of zstd
(RFC 8878). Tools that compress in parallel, or add to a file, write several.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple, Protocol

MAX_WINDOW: Final = 27
"""Binary logarithm of how far zstd may look back, in bytes: so much has to be kept in memory."""

_PIECE = 2**20  # bytes that are given at once at most
_GZIP = 16 + zlib.MAX_WBITS
_FRAMES = bytes([0x28, *range(0x50, 0x60)])  # those with data, and those that are to be skipped


class Damaged(ValueError):
    """Data is not what it should be; the message says why."""


class Member(Protocol):
    """Decodes one member."""

    @property
    def eof(self) -> bool:
        """Whether its end was reached."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether it has given all that can be made of what it got."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What came after its end."""
        ...

    def decompress(self, data: bytes, size: int, /) -> bytes:
        """Takes more of it, and gives that many plain bytes at most.

        Raises:
            Damaged: It is not what it should be.
        """
        ...


class Coding(NamedTuple):
    """A way to compress.

    Attributes:
        member: Makes what decodes a member.
        starts: Bytes that a further member may begin with; none where there is only one.
        padding: Bytes that may follow a member and mean nothing.
    """

    member: Callable[[], Member]
    starts: bytes = b""
    padding: bytes = b""


class Decoder:
    """Decodes all members.

    Args:
        coding: How the data was compressed.
    """

    def __init__(self, coding: Coding) -> None:
        self._coding = coding
        self._member = coding.member()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Takes more of the data, and gives what can be made of it, in pieces of bounded length.

        Raises:
            Damaged: It is not what it should be.
        """
        rest = data
        while rest := self._begun(rest) if self._member.eof else rest:
            yield self._member.decompress(rest, _PIECE)
            while not (self._member.eof or self._member.needs_input):
                yield self._member.decompress(b"", _PIECE)
            rest = self._member.unused_data

    def end(self) -> None:
        """Tells that there is no more.

        Raises:
            Damaged: There should be.
        """
        if not self._member.eof:
            raise Damaged("it is cut short; send all of it")

    def _begun(self, rest: bytes) -> bytes:
        """Begins the next member, if there is one."""
        rest = rest.lstrip(self._coding.padding)
        if rest:
            if rest[0] not in self._coding.starts:
                raise Damaged("something else follows its end; send it without that")
            self._member = self._coding.member()
        return rest


class _Inflater:
    """A member of gzip, or the one of zlib."""

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
        try:
            return self._inflater.decompress(self._inflater.unconsumed_tail + data, size)
        except zlib.error as error:
            raise Damaged(str(error)) from None


class _Frame:
    """A frame of zstd."""

    def __init__(self) -> None:
        from backports import zstd  # noqa: PLC0415 - few ask for it, and everybody would wait for it

        self._error = zstd.ZstdError
        self._frame = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: MAX_WINDOW})

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def needs_input(self) -> bool:
        return self._frame.needs_input

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data

    def decompress(self, data: bytes, size: int, /) -> bytes:
        try:
            return self._frame.decompress(data, size)
        except self._error as error:
            raise Damaged(_reason(str(error))) from None


def _reason(said: str) -> str:
    if "too much memory" in said:
        return f"its window has more than {2**MAX_WINDOW} bytes; compress it with --long={MAX_WINDOW} or less"
    return said.rpartition(": ")[2]


CODINGS: Final = {
    "gzip": Coding(partial(_Inflater, _GZIP), b"\x1f", b"\0"),
    "deflate": Coding(partial(_Inflater, zlib.MAX_WBITS)),
    "zstd": Coding(_Frame, _FRAMES),
}
"""What is read, by its name as a Content-Encoding."""
