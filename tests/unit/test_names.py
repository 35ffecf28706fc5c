"""Names of models and versions, checked before they reach a path or a key."""

import pytest
from triptych.errors import BadRequest, NotFound
from triptych.protocol.names import (
    did_you_mean,
    is_model_name,
    is_version,
    model_name,
    nearest,
    version_number,
)


@pytest.mark.parametrize("name", ["a", "digits", "ResNet-50_v1.5", "0", "a" * 128])
def test_model_name(name: str) -> None:
    """Letters, digits, '_', '-' and '.' make a name."""
    assert is_model_name(name)
    assert name == model_name(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../etc", "a/b", "a\\b", ".hidden", "-x", "a b", "a\n", "ä", "a\0", "a" * 129]
)
def test_no_model_name(name: str) -> None:
    """What could leave a folder, hide in it or confuse a key is no model's name: it is unknown."""
    assert not is_model_name(name)
    with pytest.raises(NotFound, match="unknown model"):
        model_name(name)


def test_long_name_is_cut() -> None:
    """The message quotes the beginning of a name only."""
    with pytest.raises(NotFound) as failure:
        model_name("x" * 10_000)
    assert len(str(failure.value)) < 300


@pytest.mark.parametrize(("version", "number"), [("1", 1), ("20", 20), ("999999999999999999", 10**18 - 1)])
def test_version(version: str, number: int) -> None:
    """A version is a positive integer."""
    assert is_version(version)
    assert number == version_number(version)


@pytest.mark.parametrize(
    "version", ["", "0", "01", "-1", "+1", "1.0", "1e3", "v1", " 1", "1\n", "\u0661", "1" * 19]
)
def test_no_version(version: str) -> None:
    """Everything else is refused, also what int() would take."""
    assert not is_version(version)
    with pytest.raises(BadRequest, match="expected a positive integer"):
        version_number(version)


def test_nearest_name() -> None:
    """A misspelt name leads to the one that it most likely means, another one to none."""
    known = ["join", "outputs", "format"]
    assert " (did you mean 'join'?)" == did_you_mean("jion", known)
    assert "" == did_you_mean("colour", known)
    assert "outputs" == nearest("output", known)
