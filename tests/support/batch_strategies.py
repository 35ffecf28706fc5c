"""Records of batches of every kind, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st
from triptych.batches.batch import Batch, BatchSource, KeyList, Status
from triptych.batches.file import Chunk, FileOutcome, InputFile, Part
from triptych.inference.piece import Counts
from triptych.lifecycle.record import Failure
from triptych.rows.formats import Format, RowFormat
from triptych.rows.options import BatchOptions

from tests.support.job_strategies import COUNTS, IDS, MODELS, MOMENTS, TEXTS, VERSIONS

NUMBERS = st.integers(0, 99_999)
SHARES = st.floats(0, 1).map(lambda share: round(share, 9))
FORMATS = st.sampled_from(Format)
FORMS = st.builds(
    RowFormat,
    format=FORMATS,
    compression=st.none() | st.sampled_from(["gzip", "zstd"]),
    header=st.booleans(),
    delimiter=st.sampled_from(",;\t|"),
)
OPTIONS = st.builds(
    BatchOptions,
    join=st.none() | TEXTS,
    outputs=st.none() | TEXTS,
    format=st.none() | FORMATS,
    key=st.none() | TEXTS,
    lookup=st.none() | st.booleans(),
    tolerance=st.none() | SHARES,
    header=st.none() | st.booleans(),
    delimiter=st.none() | st.sampled_from(",;\t|"),
)
ERRORS = st.builds(Failure, type=TEXTS, message=TEXTS, retryable=st.booleans())
COUNTED = st.builds(
    lambda written, failed, filled: Counts(written + failed, written, failed, filled), COUNTS, COUNTS, COUNTS
)


def input_files() -> st.SearchStrategy[InputFile]:
    """Files, whether or not there are such."""
    return st.builds(
        InputFile,
        number=NUMBERS,
        key=TEXTS,
        size=COUNTS,
        etag=TEXTS,
        object_version=st.none() | TEXTS,
        model=MODELS,
        version=VERSIONS,
        form=FORMS,
        options=OPTIONS,
        answer=FORMS,
    )


def chunks() -> st.SearchStrategy[Chunk]:
    """Chunks of files."""
    return st.builds(
        Chunk,
        file=input_files(),
        number=NUMBERS,
        start=COUNTS,
        end=COUNTS,
        head=TEXTS,
        only=st.booleans(),
        staged=st.none() | TEXTS,
        head_object=st.none() | TEXTS,
    )


def parts() -> st.SearchStrategy[Part]:
    """Parts of files."""
    return st.builds(
        Part,
        file=NUMBERS,
        chunk=NUMBERS,
        last=st.booleans(),
        start=COUNTS,
        end=COUNTS,
        counts=COUNTED,
        output=st.none() | TEXTS,
        output_size=COUNTS,
        errors=st.none() | TEXTS,
        columns=st.lists(TEXTS, max_size=4).map(tuple),
        layout=TEXTS,
        milliseconds=COUNTS,
        run_milliseconds=COUNTS,
        peak_bytes=COUNTS,
        version=COUNTS,
        columns_object=st.none() | TEXTS,
    )


def outcomes() -> st.SearchStrategy[FileOutcome]:
    """What became of files."""
    return st.builds(
        FileOutcome,
        number=NUMBERS,
        key=TEXTS,
        counts=COUNTED,
        output=st.none() | TEXTS,
        errors=st.none() | TEXTS,
        manifest=TEXTS,
        error=st.none() | ERRORS,
    )


def batches(states: frozenset[Status] = frozenset(Status)) -> st.SearchStrategy[Batch]:
    """Records in any of the states, whether or not a batch gets there."""
    sources = st.builds(
        BatchSource,
        keys=st.lists(TEXTS, max_size=3).map(tuple),
        prefix=st.none() | TEXTS,
        only_new=st.booleans(),
        listed=st.none()
        | st.builds(KeyList, object=TEXTS, total=COUNTS, models=st.lists(TEXTS, max_size=2).map(tuple)),
    )
    return st.builds(
        Batch,
        id=IDS,
        model=st.none() | MODELS,
        version=st.none() | VERSIONS,
        source=sources,
        options=OPTIONS,
        created=MOMENTS,
        target=st.none() | TEXTS,
        status=st.sampled_from(sorted(states)),
        attempts=COUNTS,
        redrives=COUNTS,
        started=st.none() | MOMENTS,
        ended=st.none() | MOMENTS,
        lease=st.none() | MOMENTS,
        execution=st.none() | TEXTS,
        files=st.none() | COUNTS,
        chunks=st.none() | COUNTS,
        failed_files=COUNTS,
        counts=COUNTED,
        error=st.none() | ERRORS,
        notified=st.booleans(),
        revision=COUNTS,
    )
