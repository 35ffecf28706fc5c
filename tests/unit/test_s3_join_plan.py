"""How pieces become parts."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from triptych.aws.joining import MAX_COPY, MAX_PARTS, MIN_PART, Slice, plan
from triptych.aws.uploads import part_size

GIB = 2**30

SIZES = st.one_of(
    st.integers(0, 3),
    st.integers(MIN_PART - 2, MIN_PART + 2),
    st.integers(MAX_COPY - 2, 2 * MAX_COPY + 2),
    st.integers(0, 200 * GIB),
)


@given(st.lists(SIZES, max_size=30))
def test_parts_hold_all_bytes_in_order(sizes: list[int]) -> None:
    """Laid end to end, the slices of all parts are the pieces: no byte is missing, doubled or moved."""
    slices = list(chain.from_iterable(plan(sizes)))
    for piece, size in enumerate(sizes):
        bounds = [(found.start, found.stop) for found in slices if found.piece == piece]
        assert [start for start, _ in bounds] == [0, *(stop for _, stop in bounds)][: len(bounds)]
        assert size == (bounds[-1][1] if bounds else 0)
    assert sorted(slices) == slices
    assert all(found.size > 0 for found in slices)


@given(st.lists(SIZES, max_size=30))
def test_parts_are_such_as_s3_takes(sizes: list[int]) -> None:
    """All parts but the last have 5 MiB at least, none has more than 5 GiB, and there are few enough."""
    parts = [sum(found.size for found in part) for part in plan(sizes)]
    assert all(size >= MIN_PART for size in parts[:-1])
    assert all(size <= 5 * GIB for size in parts)
    assert len(parts) <= MAX_PARTS + 1


@given(st.lists(SIZES, max_size=30))
def test_little_passes_through_memory(sizes: list[int]) -> None:
    """What is gathered of several slices is less than two parts of the smallest size."""
    least = max(MIN_PART, -(-sum(sizes) // MAX_PARTS))
    gathered = [part for part in plan(sizes) if len(part) > 1]
    assert all(sum(found.size for found in part) <= least for part in gathered)


def test_many_pieces_of_some_megabytes() -> None:
    """Of 20,000 pieces that could each be a part, fewer parts than 10,000 are made."""
    assert MAX_PARTS + 1 >= len(list(plan([6 << 20] * 20_000))) > 1


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ([], []),
        ([0, 0], []),
        ([3], [[(0, 0, 3)]]),
        ([3, 10], [[(0, 0, 3), (1, 0, 7)], [(1, 7, 10)]]),  # the missing bytes of a large piece come along
        ([3, 0, 20], [[(0, 0, 3), (2, 0, 7)], [(2, 7, 20)]]),
        ([10, 3], [[(0, 0, 10)], [(1, 0, 3)]]),
        ([4, 4, 4], [[(0, 0, 4), (1, 0, 4), (2, 0, 2)], [(2, 2, 4)]]),
    ],
)
def test_examples(sizes: list[int], parts: list[list[tuple[int, int, int]]]) -> None:
    """Where parts have 10 bytes at least, small pieces are gathered with what follows."""
    expected = [[Slice(*found) for found in part] for part in parts]
    assert expected == list(plan(sizes, least=10))


def test_written_parts_hold_the_largest_object() -> None:
    """10,000 parts, each as large as its number lets it be, hold 5 TiB; none has more than 5 GiB."""
    sizes = [part_size(number) for number in range(1, 10_001)]
    assert sum(sizes) >= 5 << 40
    assert max(sizes) <= 5 * GIB
    assert min(sizes) == sizes[0] == 8 << 20
