"""How much a file holds, as far as its metadata or samples of it tell: the price before the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from triptych.batches.cut import chunk_size, growing, npy_chunks
from triptych.batches.file import InputFile
from triptych.inference.piece import Source
from triptych.inference.table_reading import footer_of, group_cuts
from triptych.protocol.compression import Decoder
from triptych.rows.formats import Format, RowFormat
from triptych.rows.records import CsvRecords, end_of_lines

_PLAIN_SAMPLE = 2**16  # bytes of text whose records are counted: one small read
_LATER_SAMPLE = 2**14  # bytes from the middle: numbers that grow are longer there
_DECODED_SAMPLE = 2**18  # as many, decompressed: compression has to get under way
_PIECE = 2**12  # compressed bytes, after each of which it is seen how many they have become


class Sizing(NamedTuple):
    """What a file holds, or several files, and what it would be cut into.

    Attributes:
        rows: How many rows; None where only reading all of it would tell (JSON, Arrow).
        exact: Whether they were counted, not estimated from samples.
    """

    size: int
    plain: int
    chunks: int
    rows: int | None
    exact: bool
    lookups: int = 0
    images: int = 0

    def rows_described(self) -> dict[str, int]:
        """Returns the rows as answers have them."""
        return {} if self.rows is None else {"rows" if self.exact else "estimated_rows": self.rows}


class _Sample(NamedTuple):
    """The beginning of a text.

    Attributes:
        plain: Bytes of the whole text, as many as the beginning lets expect.
        whole: Whether this is all of it.
        later: Text from the middle, where that can be read.
    """

    text: bytes
    plain: int
    whole: bool
    later: bytes = b""


def sized(file: InputFile, source: Source, chunk_bytes: int) -> Sizing:
    """Estimates what a file holds, from a little of it; raises `BadRequest` if it is not what it is named."""
    form, size = file.form, chunk_size(source, chunk_bytes)
    if form.format is Format.IMAGE:
        return Sizing(source.size, source.size, 1, 1, exact=True, images=1)
    if form.format is Format.NPY:
        planned = npy_chunks(file, source, size)
        return Sizing(source.size, source.size, len(planned), planned[-1].end, exact=True)
    if form.format is Format.PARQUET:
        footer = footer_of(source)
        chunks = len(group_cuts(footer, size)) + 1
        return Sizing(source.size, source.size, chunks, footer.rows, exact=True)
    if not form.format.is_text:
        return Sizing(source.size, source.size, 1, None, exact=False)
    sample = _decoded(source, form.compression) if form.compression else _beginning(source)
    one_go = form.compression is not None and source.size <= chunk_bytes
    chunks = 1 if one_go else max(1, -(-sample.plain // size))
    return Sizing(source.size, sample.plain, chunks, _rows(sample, form), sample.whole)


def _beginning(source: Source) -> _Sample:
    text = source.read(0, min(_PLAIN_SAMPLE, source.size))
    middle = max(len(text), source.size // 2)
    later = source.read(middle, min(middle + _LATER_SAMPLE, source.size)) if len(text) < source.size else b""
    return _Sample(text, source.size, not later, later)


def _decoded(source: Source, compression: str) -> _Sample:
    decoder, text, plain, read = Decoder(compression, "file"), bytearray(), 0, 0
    for piece in _pieces(source):
        read += len(piece)
        for decoded in decoder.feed(piece):
            text += decoded[: _DECODED_SAMPLE - len(text)]
            plain += len(decoded)
        if plain >= _DECODED_SAMPLE and read < source.size:
            return _Sample(bytes(text), plain * source.size // read, whole=False)
    decoder.end()
    return _Sample(bytes(text), plain, plain == len(text))


def _pieces(source: Source) -> Iterator[bytes]:
    for block in growing(source):
        for start in range(0, len(block), _PIECE):
            yield block[start : start + _PIECE]


def _rows(sample: _Sample, form: RowFormat) -> int:
    """Counts the records of a sample, and expects those of the rest to be as long as in the middle."""
    csv = CsvRecords(form.delimiter.encode())
    is_csv = form.format is Format.CSV
    head = csv.first(sample.text) if is_csv and form.header else b""
    end = len(sample.text) if sample.whole else (csv.end if is_csv else end_of_lines)(sample.text)
    records = sample.text[len(head) : end]
    count = len(csv.split(records) if is_csv else [line for line in records.split(b"\n") if line.strip()])
    if sample.whole:
        return count
    if not count:  # the first one is longer than the sample
        return -(-sample.plain // len(sample.text))
    each = count / len(records)
    lines, later = records.count(b"\n"), sample.later.count(b"\n")
    if (
        lines and later
    ):  # where a record begins in the middle is not known, but records have as many lines there
        each = count / lines * later / len(sample.later)
    return count + round((sample.plain - end) * each)
