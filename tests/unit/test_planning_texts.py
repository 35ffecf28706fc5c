"""Files of text are cut at the ends of records, wherever blocks and chunks end."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st
from triptych.batches import scanner
from triptych.batches.cut import plan_chunks
from triptych.batches.file import Chunk, InputFile
from triptych.batches.keys import staged_key
from triptych.batches.sizing import Sizing, sized
from triptych.batches.staging import Staging
from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded
from triptych.inference.slices import Budget
from triptych.rows.formats import Format, RowFormat
from triptych.rows.options import BatchOptions

CSV = RowFormat(Format.CSV)
LINES = RowFormat(Format.JSON_LINES)
TOKENS = ["a", "é", '"', '""', ",", ";", "\n", "\r", "\r\n", '"x\ny"', ',"', '",', '"\n', ' "', "\n\n"]
COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}
TEXTS = st.lists(st.sampled_from(TOKENS), max_size=40).map(lambda tokens: "".join(tokens).encode())


class Memory:
    """A file in memory, given in blocks of some size."""

    def __init__(self, content: bytes, block: int = 2**20) -> None:
        self.content, self.block = content, block
        self.size = len(content)
        self.streamed = False

    def read(self, start: int, stop: int) -> bytes:
        """Reads some bytes."""
        return self.content[start:stop]

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        """Reads in blocks."""
        self.streamed = True
        for at in range(start, stop, self.block):
            yield self.content[at : min(at + self.block, stop)]


class Copies(dict[str, bytes]):
    """A bucket in memory, as far as copies need one."""

    def create(self, key: str, _content_type: str) -> Writer:
        """Begins an object."""
        return Writer(self, key)


class Writer(io.BytesIO):
    """Shows an object when it is closed."""

    def __init__(self, copies: Copies, key: str) -> None:
        super().__init__()
        self.copies, self.key = copies, key

    def close(self) -> None:
        """Shows the object."""
        self.copies[self.key] = self.getvalue()

    def abort(self) -> None:
        """Forgets the bytes."""
        self.truncate(0)


def plan(
    source: Memory, form: RowFormat, size: int, copies: Copies | None = None, seconds: float = 60
) -> list[Chunk]:
    """Plans a file of memory."""
    file = InputFile(0, "m/f", source.size, "e", None, "m", 1, form, BatchOptions(), form)
    staging = Copies() if copies is None else copies
    budget = Budget(Deadline.after(seconds), lambda: None)
    return plan_chunks(file, cast("Any", source), size, Staging(cast("Any", staging), "id"), budget)


def record_ends(text: bytes, delimiter: bytes) -> set[int]:
    """Reads CSV byte by byte, and tells where records end, behind all newlines that follow."""
    ends, state = {0}, "start"
    for at in range(len(text)):
        code = text[at : at + 1]
        if state == "quoted":
            state = "quote" if code == b'"' else state
        elif (state == "quote" and code == b'"') or (state == "start" and code == b'"'):
            state = "quoted"
        elif code in {b"\n", b"\r"}:
            state = "start"
            if text[at + 1 : at + 2] not in {b"\n", b"\r"}:
                ends.add(at + 1)
        else:
            state = "start" if code == delimiter else "plain"
    return ends | {len(text)}


FORMS = st.builds(RowFormat, st.just(Format.CSV), st.none(), st.booleans(), st.sampled_from(",;"))


@given(TEXTS, st.integers(1, 60), st.integers(1, 9), FORMS, st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_csv_is_cut_at_the_ends_of_records(
    text: bytes, size: int, block: int, form: RowFormat, start: bytes
) -> None:
    """Whatever stands in cells, and wherever blocks end, chunks are whole records and together the file."""
    chunks = plan(Memory(start + text, block), form, size)
    ends = {len(start) + end for end in record_ends(text, form.delimiter.encode())}
    assert [] == [chunk for chunk in chunks if not {chunk.start, chunk.end} <= ends]
    assert [chunk.end for chunk in chunks[:-1]] == [chunk.start for chunk in chunks[1:]]
    assert chunks[-1].end == len(start + text)
    head = (start + text)[len(start) : chunks[0].start].strip(b"\r\n")
    assert {(head + b"\n").decode("latin-1") if head else ""} == {chunk.head for chunk in chunks}
    for chunk in chunks[:-1]:
        assert not any(chunk.start + size <= end < chunk.end for end in ends)


@given(TEXTS, st.integers(1, 60))
def test_lines_are_cut_at_line_feeds(text: bytes, size: int) -> None:
    """Chunks of JSON Lines end with a line feed, and no sooner than asked for, and are the file."""
    source = Memory(text)
    chunks = plan(source, LINES, size)
    pieces = [text[chunk.start : chunk.end] for chunk in chunks]
    assert text == b"".join(pieces)
    assert all(piece.endswith(b"\n") and len(piece) >= size for piece in pieces[:-1])
    assert not source.streamed


@given(
    TEXTS,
    st.integers(0, 200),
    st.integers(1, 60),
    st.integers(1, 9),
    st.sampled_from([CSV, LINES, CSV._replace(header=False)]),
    st.sampled_from(["gzip", "zstd"]),
)
def test_compressed_text_is_staged_as_plain_text_is_cut(  # noqa: PLR0913, PLR0917 - all of them vary
    text: bytes, cut: int, size: int, block: int, form: RowFormat, compression: str
) -> None:
    """The copies of a compressed file of two members are the chunks of the plain one, at the same places."""
    copies = Copies()
    members = [COMPRESS[compression](half) for half in (text[:cut], text[cut:])]
    compressed = Memory(b"".join(members), block)
    size = min(size, compressed.size - 1)
    chunks = plan(compressed, form._replace(compression=compression), size, copies)
    expected = plan(Memory(text), form, size)
    assert [item[2:5] for item in expected] == [item[2:5] for item in chunks]
    assert [text[item.start : item.end] for item in expected] == [
        copies[item.staged or ""] for item in chunks
    ]
    assert [staged_key("id", 0, number) for number in range(len(chunks))] == sorted(copies)


def test_one_chunk_is_planned_without_reading_the_file() -> None:
    """A file that fits one chunk is not read through, nor is a copy of it made."""
    for form in (
        CSV,
        LINES,
        RowFormat(Format.JSON),
        RowFormat(Format.JSON, "gzip"),
        CSV._replace(compression="gzip"),
    ):
        source, copies = Memory(b"a\n" + b"1\n" * 100_000), Copies()
        assert [True] == [chunk.only for chunk in plan(source, form, source.size, copies)]
        assert (False, {}) == (source.streamed, copies)


@pytest.mark.parametrize("text", [b"", b"\xef\xbb\xbf", b"a,b", b"a,b\r\n", b"\n\na,b\n"])
def test_a_file_without_records_is_one_empty_chunk(text: bytes) -> None:
    """A file that is empty, or has nothing but a header, is one chunk from its end to its end."""
    chunks = plan(Memory(text), CSV, 1)
    assert [(len(text), len(text), True)] == [(item.start, item.end, item.only) for item in chunks]


@pytest.mark.parametrize("form", [CSV, LINES])
def test_a_record_that_does_not_end_is_refused(form: RowFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a record that is too long the caller learns where it begins, and what may be wrong."""
    monkeypatch.setattr(scanner, "MAX_RECORD", 2**18)
    text = b"a\n" + b"1\n" * 1000 + b'"' + b"x" * 2**20
    with pytest.raises(
        BadRequest, match="byte 2002 .* quote left open" if form is CSV else "quote left open"
    ):
        plan(Memory(text), form, 3000 if form is CSV else 2002)


def test_time_that_runs_out_is_told() -> None:
    """Neither a pass nor copying goes on when time is up, and no copy is left half-way."""
    text, copies = b"a\n" + b"1\n" * 1000, Copies()
    with pytest.raises(DeadlineExceeded, match="split it into smaller ones"):
        plan(Memory(text), CSV, 100, seconds=-1)
    with pytest.raises(DeadlineExceeded, match="split it into smaller ones"):
        plan(Memory(gzip.compress(text)), CSV._replace(compression="gzip"), 10, copies, -1)
    assert {} == copies


def test_a_file_has_ten_thousand_chunks_at_most() -> None:
    """Chunks grow where there were too many."""
    for form in (CSV, LINES):
        assert 5_000 < len(plan(Memory(b"1\n" * 20_000), form, 1)) <= 10_000


def npy(array: np.ndarray[Any, Any]) -> bytes:
    """Returns a .npy file of an array."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@given(st.integers(0, 50), st.integers(1, 200))
def test_npy_is_cut_by_rows(rows: int, size: int) -> None:
    """Chunks have as many rows as fit; the header goes with each, and counting agrees."""
    array = np.zeros((rows, 3), np.float32)
    form, content = RowFormat(Format.NPY), npy(array)
    chunks = plan(Memory(content), form, size)
    step = max(1, size // 12)
    expected = [(start, min(start + step, rows)) for start in range(0, rows, step)] or [(0, 0)]
    assert expected == [(item.start, item.end) for item in chunks]
    assert {content[: len(content) - array.nbytes]} == {item.head.encode("latin-1") for item in chunks}
    told = sized(chunks[0].file, cast("Any", Memory(content)), size)
    assert Sizing(len(content), len(content), len(chunks), rows, exact=True) == told


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"nonsense", "not readable"),
        (npy(np.ones((4, 4)))[:-1], "must have"),
        (npy(np.asfortranarray(np.ones((4, 4)))), "ascontiguousarray"),
        (npy(np.array(1.0)), "single value"),
        (npy(np.array([{}], object)), "Python objects"),
    ],
)
def test_npy_that_is_not_rows_is_refused(content: bytes, reason: str) -> None:
    """What cannot be cut into rows is refused with a reason."""
    with pytest.raises(BadRequest, match=reason):
        plan(Memory(content), RowFormat(Format.NPY), 8)
