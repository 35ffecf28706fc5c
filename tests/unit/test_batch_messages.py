"""Messages of batches: what is written is read as it was."""

import json

import pytest
from hypothesis import given
from triptych.batches.batch import Batch
from triptych.batches.file import Chunk, FileOutcome, InputFile, Join, Part, decode, encode
from triptych.errors import BadRequest
from triptych.lifecycle.store import plain, record_of

from tests.support.batch_strategies import batches, chunks, input_files, outcomes, parts


@given(chunks())
def test_chunks(chunk: Chunk) -> None:
    """Any chunk comes back from JSON as it was."""
    assert chunk == decode(Chunk, json.loads(json.dumps(encode(chunk))))


@given(input_files())
def test_joins(file: InputFile) -> None:
    """Any file that is joined comes back from JSON as it was."""
    join = Join(file, 3, 10**12)
    assert join == decode(Join, json.loads(json.dumps(encode(join))))


@given(parts() | outcomes() | batches())
def test_records(record: Part | FileOutcome | Batch) -> None:
    """Any other record comes back as it was, with the same types."""
    read = record_of(type(record), json.loads(json.dumps(plain(record))))
    assert record == read
    assert [type(value) for value in record] == [type(value) for value in read]


@given(chunks())
def test_unknown_fields(chunk: Chunk) -> None:
    """What a later release wrote is read by this one."""
    assert chunk == decode(Chunk, {**encode(chunk), "colour": "blue"})


@pytest.mark.parametrize(
    "described", [None, [], {}, {"file": {}}, {"file": 1, "number": 0, "start": 0, "end": 1}]
)
def test_no_chunk(described: object) -> None:
    """What is no chunk is refused."""
    with pytest.raises(BadRequest, match="the message of the state machine cannot be read"):
        decode(Chunk, described)


@given(chunks())
def test_wrong_fields(chunk: Chunk) -> None:
    """Fields of a wrong type are refused."""
    for wrong in ({"number": "x"}, {"only": "yes"}, {"file": "f"}, {"number": [1]}):
        with pytest.raises(BadRequest):
            decode(Chunk, {**encode(chunk), **wrong})
