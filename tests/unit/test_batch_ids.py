"""Ids of batches: the same event makes the same id, and no two events share one."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from triptych.batches.batch import IDS, derived_id, execution_name, scheduled_id, upload_id
from triptych.errors import NotFound
from triptych.lifecycle.record import random_id

KNOWN = derived_id("a", "k")


@given(st.lists(st.text(), min_size=3, max_size=3), st.lists(st.text(), min_size=3, max_size=3))
def test_uploads(one: list[str], other: list[str]) -> None:
    """Two uploads have one id exactly if bucket, key and version are the same."""
    assert (one == other) is (upload_id(*one) == upload_id(*other))


@given(st.text(), st.text())
def test_kinds(first: str, second: str) -> None:
    """Uploads, keys of callers and schedules never meet."""
    made = {upload_id("b", first, second), derived_id(first, second), scheduled_id(first, second)}
    assert 3 == len(made)
    assert made == {IDS.checked(identity) for identity in made}


def test_slashes() -> None:
    """What moves from one part to the next makes another id."""
    assert derived_id("a", "b/c") != derived_id("a/b", "c")
    assert scheduled_id("a/b", "c") != scheduled_id("a", "c/b")


def test_known_id() -> None:
    """Ids stay what they are from release to release: an event of yesterday is known today."""
    known = upload_id("inputs", "digits/a.csv", "v1")
    assert "5" == known[14]
    assert upload_id("inputs", "digits/a.csv", "v1") == known != upload_id("inputs", "digits/a.csv", "v2")


def test_random_ids() -> None:
    """A random id is nobody else's."""
    assert random_id() != random_id()
    assert 4 == uuid.UUID(random_id()).version


@pytest.mark.parametrize("text", ["", "x", "../etc", f"{KNOWN.upper()}A", f"{KNOWN}\n"])
def test_no_id(text: str) -> None:
    """What cannot be an id is not found."""
    with pytest.raises(NotFound, match="there is no batch"):
        IDS.checked(text)


def test_executions() -> None:
    """Each redrive has an execution of its own, whose name is not longer than 80 characters."""
    identity = random_id()
    names = [execution_name(identity, redrives) for redrives in range(3)]
    assert [identity, f"{identity}-1", f"{identity}-2"] == names
    assert len(execution_name(identity, 10**6)) <= 80
