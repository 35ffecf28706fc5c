"""Tensors of every datatype and shape, for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from triptych.protocol.datatypes import BF16, DATATYPES, Datatype
from triptych.protocol.tensors import Array, Tensor

ALL = tuple(DATATYPES.values())
WITH_JSON = tuple(datatype for datatype in ALL if datatype is not BF16)
SHAPES = npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def tensors(datatypes: tuple[Datatype, ...] = ALL) -> st.SearchStrategy[Tensor]:
    """Tensors of up to four dimensions; sizes from 0, floats of all kinds, strings of all characters."""
    return st.sampled_from(datatypes).flatmap(tensors_of)


def tensors_of(datatype: Datatype) -> st.SearchStrategy[Tensor]:
    """Tensors of one datatype."""
    return SHAPES.flatmap(lambda shape: _arrays(datatype, shape)).map(lambda values: Tensor(datatype, values))


def bits(tensor: Tensor) -> tuple[str, tuple[int, ...], object]:
    """Returns what makes two tensors the same: NaN and the sign of zero count by their bits."""
    values = tensor.values
    content = values.reshape(-1).tolist() if values.dtype == object else values.tobytes()
    return tensor.datatype.name, tensor.shape, content


def without_payload(tensor: Tensor) -> Tensor:
    """Replaces every NaN by the usual one, as JSON does."""
    values = tensor.values.copy()
    if values.dtype.kind == "f":
        values[np.isnan(values)] = np.nan
    return Tensor(tensor.datatype, values)


def _arrays(datatype: Datatype, shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    if datatype.kind == "bytes":
        return npst.arrays(object, shape, elements=st.text(max_size=5), fill=st.nothing())
    return npst.arrays(np.dtype(datatype.storage), shape, fill=st.nothing())
