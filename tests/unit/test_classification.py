"""The best classes of an output instead of its values."""

import numpy as np
import pytest
from triptych.errors import BadRequest
from triptych.protocol.datatypes import BF16, BOOL, BYTES, DATATYPES, FP16, FP32, FP64, Datatype
from triptych.protocol.tensor_codecs import classify
from triptych.protocol.tensors import Tensor

LABELS = ("cat", "dog", "owl")


def best(datatype: Datatype, values: object, classes: int, labels: tuple[str, ...] = ()) -> object:
    """Returns the best classes as nested lists."""
    tensor = Tensor(datatype, np.array(values, dtype=datatype.storage))
    classified = classify(tensor, classes, labels, "output 'y'")
    assert BYTES is classified.datatype
    return classified.values.tolist()


def test_best_first() -> None:
    """Each row gives its own classes, the best first."""
    scores = [[0.25, 0.5, 0.125], [2, -1, 0]]
    assert [["0.500000:1", "0.250000:0"], ["2.000000:0", "0.000000:2"]] == best(FP32, scores, 2)


def test_labels() -> None:
    """A class carries its label, as far as there are labels."""
    assert ["0.500000:1:dog", "0.250000:0:cat"] == best(FP32, [0.25, 0.5], 2, LABELS)
    assert ["3.000000:3", "2.000000:2:owl"] == best(FP32, [0, 1, 2, 3], 2, LABELS)


@pytest.mark.parametrize("classes", [3, 4, 2**70])
def test_more_than_there_are(classes: int) -> None:
    """When more classes are wanted than there are, all come."""
    assert ["3.000000:2", "2.000000:1", "1.000000:0"] == best(FP64, [1, 2, 3], classes)


@pytest.mark.parametrize("datatype", [FP32, DATATYPES["INT32"]])
def test_equal_scores(datatype: Datatype) -> None:
    """Of equal scores the lower index comes first."""
    indices = [str(entry).split(":")[1] for entry in best(datatype, [1, 2, 2, 1], 4)]  # type: ignore[attr-defined]
    assert ["1", "2", "0", "3"] == indices


@pytest.mark.parametrize("datatype", [FP32, FP16, DATATYPES["INT32"]])
def test_equal_scores_of_many_classes(datatype: Datatype) -> None:
    """Also where there are so many that an unstable sort would mix them."""
    scores = [index % 7 for index in range(200)]
    found = [int(str(entry).split(":")[1]) for entry in best(datatype, scores, 200)]  # type: ignore[attr-defined]
    assert found == sorted(range(200), key=lambda index: (-scores[index], index))


def test_nan_comes_last() -> None:
    """A score that is no number is the worst."""
    assert ["1.000000:2", "-inf:1", "nan:0"] == best(FP32, [np.nan, -np.inf, 1], 3)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("UINT8", [0, 255, 128], ["255:1", "128:2", "0:0"]),
        ("INT8", [-128, 127, 0], ["127:1", "0:2", "-128:0"]),
        ("INT64", [-(2**63), 2**63 - 1, 2**63 - 2], [f"{2**63 - 1}:1", f"{2**63 - 2}:2", f"{-(2**63)}:0"]),
        ("UINT64", [0, 2**64 - 1], [f"{2**64 - 1}:1", "0:0"]),
    ],
)
def test_integers_are_exact(name: str, values: list[int], expected: list[str]) -> None:
    """Integers are compared and written as they are, the extremes too."""
    assert expected == best(DATATYPES[name], values, 3)


@pytest.mark.parametrize(
    ("datatype", "values", "expected"),
    [
        (FP16, [0.5, 0.75], ["0.750000:1", "0.500000:0"]),
        (BF16, [0x3F80, 0x4000, 0xC000], ["2.000000:1", "1.000000:0", "-2.000000:2"]),
        (BOOL, [False, True], ["1.000000:1", "0.000000:0"]),
    ],
)
def test_other_datatypes(datatype: Datatype, values: object, expected: list[str]) -> None:
    """Every datatype of numbers can be classified."""
    assert expected == best(datatype, values, 3)


@pytest.mark.parametrize(
    ("shape", "expected"), [((2, 3, 4), (2, 3, 2)), ((0, 4), (0, 2)), ((2, 0), (2, 0)), ((1,), (1,))]
)
def test_shape(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """The last axis becomes the classes, the others stay."""
    assert expected == classify(Tensor(FP32, np.zeros(shape, dtype="<f4")), 2, LABELS, "y").shape


@pytest.mark.parametrize(("datatype", "values"), [(BYTES, ["a"]), (FP32, 1)])
def test_no_scores(datatype: Datatype, values: object) -> None:
    """Strings and scalars have no best class."""
    with pytest.raises(BadRequest, match="output 'y': classification needs numbers with at least one axis"):
        best(datatype, values, 1)
