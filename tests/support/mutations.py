"""Valid messages with something wrong in them, for property tests."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from typing import Any

from hypothesis import strategies as st

_ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e308, 255, 256, 2**31 - 1, 2**31, 2**63, 2**64, 10**30),
        *("", "x", "y", "0", "1", "true", "Infinity", "-Infinity", "NaN", "nan", "1e5", "\0", "é\U0001f600"),
        *("FP16", "FP32", "BF16", "INT8", "UINT64", "BOOL", "BYTES", "fp32", "x" * 300),
        *([], [[]], [[[]]], [1, [2]], [None], ["a", 1], [0] * 40, {}, {"a": {}}, {"binary_data_size": 4}),
    ]
)
_KEYS = st.sampled_from(
    [
        *("name", "shape", "datatype", "data", "parameters", "inputs", "outputs", "id", "instances", "ready"),
        *("binary_data", "binary_data_size", "binary_data_output", "classification"),
        *("shared_memory_region", "sequence_id", "priority", "timeout", "é", ""),
    ]
)
_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
JSON: st.SearchStrategy[Any] = st.recursive(
    _SCALARS, lambda values: st.lists(values) | st.dictionaries(_KEYS | st.text(), values), max_leaves=6
)
"""Any JSON value."""
_NEW = (_ODD | JSON).map(copy.deepcopy)  # what is put in may be changed in turn


@st.composite
def mutated(draw: st.DrawFn, message: Any) -> Any:  # noqa: ANN401 - JSON
    """A JSON value with one to three changes anywhere in it."""
    changed = {"": copy.deepcopy(message)}
    for _ in range(draw(st.integers(1, 3))):
        if places := list(_places(changed)):
            _change(draw, changed, draw(st.sampled_from(places)))
    return changed.get("")


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes of which some are cut out, replaced, repeated or added."""
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted((draw(st.integers(0, len(content))), draw(st.integers(0, len(content)))))
        replacement = draw(st.one_of(st.just(b""), st.binary(max_size=8), st.just(content[start:end] * 2)))
        content = content[:start] + replacement + content[end:]
    return content


def as_json(message: Any) -> bytes:  # noqa: ANN401 - JSON
    """Writes JSON."""
    return json.dumps(message).encode()


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places(item, (*path, key))


def _change(draw: st.DrawFn, tree: Any, path: tuple[Any, ...]) -> None:  # noqa: ANN401 - JSON
    *parents, key = path
    parent = reduce(getitem, parents, tree)
    value = parent[key]
    match draw(st.sampled_from(["replace", "swap", "remove", "repeat", "wrap", "add"])):
        case "replace":
            parent[key] = draw(_NEW)
        case "swap":
            parent[key] = copy.deepcopy(reduce(getitem, draw(st.sampled_from(list(_places(tree)))), tree))
        case "remove":
            del parent[key]
        case "repeat" if isinstance(value, list):
            parent[key] = [*value, *copy.deepcopy(value)]
        case "add" if isinstance(value, dict):
            value[draw(_KEYS)] = draw(_NEW)
        case "add" if isinstance(value, list):
            value.insert(draw(st.integers(0, len(value))), draw(_NEW))
        case _:
            parent[key] = [value]
