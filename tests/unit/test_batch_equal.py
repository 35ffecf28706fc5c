"""What the state machine makes of a file is what one function makes of it, byte for byte."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st
from triptych.batches.batch import Batch

from tests.support.crashes import Cloud, Fuse
from tests.support.properties import examples
from tests.unit.test_file_pieces import GOOD, HEAD, NOTES, ROWS

SPECIES = {"join": "all", "outputs": "species"}
LINE = st.one_of(
    NOTES.map(lambda note: orjson.dumps({"bill_length_mm": 39.1, "note": note.decode()})),
    st.just(b'{"island": "Dream"}'),
    st.just(b'{"nothing": 1}'),
    st.just(b"not json"),
    st.just(b""),
)


def transformed(
    key: str, body: bytes, wishes: dict[str, str], direct_bytes: int
) -> tuple[Batch, dict[str, bytes]]:
    """Drops a file and gives its batch, and what was made of it but for the manifest."""
    with TemporaryDirectory() as directory:
        cloud = Cloud(Path(directory), Fuse(), direct_bytes)
        batch = cloud.drop(key, body, wishes)
        outputs = {name: cloud.world.outputs.get(name) or b"" for name in cloud.world.outputs.keys}
    assert outputs.pop(f"{key}.manifest.json")
    return batch, outputs


def same(key: str, body: bytes, wishes: dict[str, str]) -> Batch:
    """Checks that a file in one go and in chunks of some hundred bytes gives the same; gives the latter."""
    whole, one = transformed(key, body, wishes, 10**6)
    batch, many = transformed(key, body, wishes, 0)
    assert one == many
    assert (whole.status, whole.counts) == (batch.status, batch.counts)
    return batch


@given(
    st.lists(ROWS, max_size=40),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.booleans(),
    st.sampled_from(["csv", "jsonl"]),
)
@examples(40)
def test_csv(rows: list[bytes], mark: bytes, ended: bool, form: str) -> None:  # noqa: FBT001 - of the test
    """Quotes, newlines in quotes, CRLF, marks, empty lines, bad records, no last newline: nothing moves."""
    body = mark + HEAD + b"".join(rows)
    same("penguins/a.csv", body if ended else body.rstrip(b"\r\n"), {**SPECIES, "format": form})


@given(st.lists(LINE, max_size=40), st.sampled_from([b"\n", b"\r\n"]))
@examples(25)
def test_json_lines(lines: list[bytes], newline: bytes) -> None:
    """JSON Lines with bad and empty lines have the same predictions, and the same errors."""
    same("penguins/a.jsonl", newline.join(lines), {"join": "all", "outputs": "species"})


@given(st.integers(0, 30), st.sampled_from([np.float32, np.float64, np.int16]))
@examples(15)
def test_arrays(rows: int, dtype: type[np.number]) -> None:
    """Arrays of any number of images give the same array of digits."""
    images = np.random.default_rng(rows).integers(0, 17, (rows, 8, 8)).astype(dtype)
    content = io.BytesIO()
    np.save(content, images)
    same("digits/a.npy", content.getvalue(), {"outputs": "digit"})


def test_chunks_are_many() -> None:
    """The comparison is one: the file is cut, and rows with newlines lie at the cuts."""
    body = HEAD + b"".join(GOOD % note for note in (b'"line\nbreak"', b'"say ""hi"""', b"") * 15)
    chunks = same("penguins/a.csv", body, SPECIES).chunks
    assert chunks is not None
    assert 10 < chunks
