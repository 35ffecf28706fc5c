"""One object made of pieces of any size: large pieces are copied within S3, small ones pass through memory.

S3 accepts 10,000 parts at most, each of 5 MiB to 5 GiB, but the last, which may be small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from triptych.aws.clients import BucketClient
from triptych.aws.objects import NewObject, ObjectReader, StoredObject, ahead, written
from triptych.aws.uploads import Multipart, put_object

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, CopySourceTypeDef


MIN_PART = 5 << 20
"""Bytes that every part but the last has at least; S3 refuses smaller ones."""

MAX_COPY = 512 << 20
"""Bytes of a part that S3 copies, where few enough of them make the whole: more parts are copied at once."""

MAX_PARTS = 9_000
"""Parts that the pieces are cut into at most; S3 accepts some more."""


class Slice(NamedTuple):
    """Bytes of a piece, which is the one of this number from 0, from `start` to before `stop`."""

    piece: int
    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many bytes."""
        return self.stop - self.start


type Part = Sequence[Slice]
"""Slices that follow each other; one alone of at least `MIN_PART` bytes can be copied."""


def plan(sizes: Sequence[int], least: int | None = None) -> Iterator[Part]:
    """Cuts pieces into parts that hold all of their bytes in order; none of them is empty.

    Every part but the last has at least `least` bytes, by default as few as S3 accepts.
    """
    least = max(MIN_PART, -(-sum(sizes) // MAX_PARTS)) if least is None else least
    gathered: list[Slice] = []
    for piece, size in enumerate(sizes):
        lacking = least - sum(taken.size for taken in gathered) if gathered else 0
        taken = min(lacking, size)
        gathered += _slices(piece, 0, taken, 1)
        if gathered and taken == lacking:
            yield gathered
            gathered = []
        if size - taken >= least:
            large = max(MAX_COPY, 2 * least)  # so that halves of what is a little more are not too small
            for alone in _slices(piece, taken, size, -(-(size - taken) // large)):
                yield [alone]
        else:
            gathered += _slices(piece, taken, size, 1)
    if gathered:
        yield gathered


def _slices(piece: int, start: int, stop: int, count: int) -> list[Slice]:
    """Cuts bytes of a piece into slices of about the same size; none where there are no bytes."""
    bounds = [start + (stop - start) * number // count for number in range(count + 1)]
    return [Slice(piece, first, last) for first, last in pairwise(bounds) if first < last]


THREADS = 8
"""Parts that are made at once."""


def join_pieces(
    bucket: BucketClient, new: NewObject, pieces: Sequence[bytes | StoredObject], source: BucketClient
) -> StoredObject:
    """Makes one object of pieces in order: bytes, and objects of the source.

    Raises:
        Conflict: A piece was replaced or removed.
        ServiceUnavailable: S3 cannot be reached.
    """
    sizes = [len(piece) if isinstance(piece, bytes) else piece.size for piece in pieces]
    parts = list(plan(sizes))
    content = _Pieces(pieces, source)
    with bucket.errors():
        if sum(sizes) < MIN_PART:
            answer = put_object(bucket, new, b"".join(map(content.gathered, parts)))
        else:
            answer = _uploaded(Multipart.begin(bucket, new), parts, content)
    return written(new, sum(sizes), answer)


def _uploaded(upload: Multipart, parts: Sequence[Part], content: _Pieces) -> Mapping[str, Any]:
    def make(numbered: tuple[int, Part]) -> CompletedPartTypeDef:
        return content.transfer(upload, *numbered)

    try:
        return upload.complete(list(ahead(make, enumerate(parts, 1), THREADS)))
    except BaseException:
        upload.abort()
        raise


class _Pieces(NamedTuple):
    """The content of an object: bytes, and objects of the source, in order."""

    pieces: Sequence[bytes | StoredObject]
    source: BucketClient

    def transfer(self, upload: Multipart, number: int, part: Part) -> CompletedPartTypeDef:
        """Copies a part that S3 can copy, and sends another."""
        alone = part[0]
        piece = self.pieces[alone.piece]
        if len(part) > 1 or alone.size < MIN_PART or isinstance(piece, bytes):
            return upload.send(number, self.gathered(part))
        span = None if alone.size == piece.size else range(alone.start, alone.stop)
        return upload.copy(number, self._address(piece), f'"{piece.etag}"', span)

    def gathered(self, part: Part) -> bytes:
        """Reads the bytes of a part."""
        return b"".join(map(self._content, part))

    def _content(self, wanted: Slice) -> bytes:
        piece = self.pieces[wanted.piece]
        if isinstance(piece, bytes):
            return piece[wanted.start : wanted.stop]
        return ObjectReader(self.source, piece).read(wanted.start, wanted.stop)

    def _address(self, piece: StoredObject) -> CopySourceTypeDef:
        address: CopySourceTypeDef = {"Bucket": self.source.name, "Key": piece.key}
        return address if piece.version is None else {**address, "VersionId": piece.version}
