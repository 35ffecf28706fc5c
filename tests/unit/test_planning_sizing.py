"""What files hold, told from a little of them, beside what they turn out to hold."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd
from triptych.batches.cut import plan_chunks
from triptych.batches.file import InputFile
from triptych.batches.sizing import Sizing, sized
from triptych.batches.staging import Staging
from triptych.clock import Deadline
from triptych.inference.slices import Budget
from triptych.rows.formats import Format, RowFormat
from triptych.rows.options import BatchOptions

from tests.support.objects import DirectoryBucket

CSV, LINES = Format.CSV, Format.JSON_LINES
ROWS = 20_000
COMPRESSIONS: dict[str | None, Callable[[bytes], bytes]] = {
    None: lambda text: text,
    "gzip": gzip.compress,
    "zstd": zstd.compress,
}


def text(form: Format, rows: int = ROWS) -> bytes:
    """Returns rows of different lengths, some of CSV with newlines and commas in quotes."""
    chance = random.Random(1)  # noqa: S311 - no secret
    numbers = [(number, chance.random(), "x" * chance.randrange(60)) for number in range(rows)]
    if form is LINES:
        return b"".join(b'{"id": %d, "x": %.9f, "note": "%s"}\n' % (n, x, t.encode()) for n, x, t in numbers)
    cells = [f'"{note},\n{note}"' if number % 5 == 0 else note for number, _, note in numbers]
    lines = [f"{number},{x:.9f},{cell}\n" for (number, x, _), cell in zip(numbers, cells, strict=True)]
    return ("id,x,note\n" + "".join(lines)).encode()


def told_and_planned(
    directory: Path, form: RowFormat, body: bytes, chunk_bytes: int, reads: list[int] | None = None
) -> tuple[Sizing, int]:
    """Returns what is told of a file, and how many chunks it is cut into."""
    bucket = DirectoryBucket(directory)
    found = bucket.drop("m/file", body)
    file = InputFile(0, found.key, found.size, found.etag, None, "m", 1, form, BatchOptions(), form)
    source = bucket.open(found)
    read = source.read

    def counted(start: int, stop: int) -> bytes:
        if reads is not None:
            reads.append(stop - start)
        return read(start, stop)

    source.read = counted  # type: ignore[method-assign]
    told = sized(file, source, chunk_bytes)
    whole = bucket.open(found)
    chunks = plan_chunks(
        file, whole, chunk_bytes, Staging(bucket, "id"), Budget(Deadline.after(60), lambda: None)
    )
    return told, len(chunks)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("form", [CSV, LINES])
def test_large_texts(tmp_path: Path, form: Format, compression: str | None) -> None:
    """Rows, plain bytes and chunks of a text are estimated within a tenth, from a small part of it."""
    plain = text(form)
    body = COMPRESSIONS[compression](plain)
    reads: list[int] = []
    told, chunks = told_and_planned(tmp_path, RowFormat(form, compression), body, 50_000, reads)
    assert not told.exact
    assert told.rows == pytest.approx(ROWS, rel=0.1)
    assert told.plain == pytest.approx(len(plain), rel=0.1)
    assert told.chunks == pytest.approx(chunks, rel=0.1)
    assert sum(reads) <= 3 * 2**16


def test_numbers_that_grow(tmp_path: Path) -> None:
    """Where records are longer later on, fewer of them are expected."""
    users = 500_000
    body = b"user_id\n" + b"".join(b"%d\n" % user for user in range(users))
    told, _ = told_and_planned(tmp_path, RowFormat(CSV), body, 10**6)
    assert told.rows == pytest.approx(users, rel=0.03)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("form", [CSV, LINES])
@pytest.mark.parametrize("rows", [0, 1, 500])
def test_small_texts(tmp_path: Path, form: Format, compression: str | None, rows: int) -> None:
    """Of a text that is read as a whole all is known."""
    plain = text(form, rows)
    body = COMPRESSIONS[compression](plain)
    told, chunks = told_and_planned(tmp_path, RowFormat(form, compression), body, 10**6)
    assert Sizing(len(body), len(plain), chunks, rows, exact=True) == told


def test_what_is_not_cut(tmp_path: Path) -> None:
    """A compressed file that fits a chunk is read as it is, however much it becomes."""
    told, chunks = told_and_planned(tmp_path, RowFormat(CSV, "gzip"), gzip.compress(b"1\n" * 10**6), 10**5)
    assert (1, 1) == (told.chunks, chunks)
    assert told.rows == pytest.approx(10**6, rel=0.1)


@pytest.mark.parametrize("form", [CSV, LINES])
def test_records_that_are_longer_than_the_sample(tmp_path: Path, form: Format) -> None:
    """Where the beginning holds no whole record, each is expected to be as long as that."""
    told, _ = told_and_planned(tmp_path, RowFormat(form, header=False), b"x" * 2**20, 10**7)
    assert (16, False) == (told.rows, told.exact)


@pytest.mark.parametrize("form", [Format.JSON, Format.ARROW])
def test_what_only_reading_tells(tmp_path: Path, form: Format) -> None:
    """Nothing is read of a format that tells nothing of its rows."""
    reads: list[int] = []
    told, _ = told_and_planned(tmp_path, RowFormat(form), b"[]", 10, reads)
    assert (Sizing(2, 2, 1, None, exact=False), []) == (told, reads)
