"""Tensors as raw bytes."""

import struct

import numpy as np
import pytest
from triptych.errors import BadRequest
from triptych.protocol.datatypes import BF16, BOOL, BYTES, DATATYPES, FP32, FP64, Datatype
from triptych.protocol.tensor_codecs import decode_binary, encode_binary
from triptych.protocol.tensors import Tensor

NUMBERS = [datatype for datatype in DATATYPES.values() if datatype.kind in ("int", "float")]


def decode(datatype: Datatype, *shape: int, raw: bytes) -> Tensor:
    """Reads bytes."""
    return decode_binary(datatype, shape, memoryview(raw), "input 'x'")


def refusal(datatype: Datatype, *shape: int, raw: bytes) -> str:
    """Says why bytes are refused."""
    with pytest.raises(BadRequest) as failure:
        decode(datatype, *shape, raw=raw)
    return str(failure.value)


def elements(*texts: bytes) -> bytes:
    """Frames BYTES elements."""
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


@pytest.mark.parametrize("datatype", NUMBERS)
def test_numbers(datatype: Datatype) -> None:
    """Numbers are little-endian and row-major, in as many bytes as the datatype has."""
    raw = bytes(range(6 * datatype.size))
    tensor = decode(datatype, 2, 3, raw=raw)
    assert (2, 3) == tensor.shape
    assert np.frombuffer(raw, datatype.storage).reshape(2, 3).tobytes() == tensor.values.tobytes()
    assert raw == encode_binary(tensor)


def test_little_endian() -> None:
    """The least significant byte comes first."""
    assert [[258]] == decode(DATATYPES["UINT16"], 1, 1, raw=b"\x02\x01").values.tolist()
    assert [1.0] == decode(FP32, 1, raw=b"\x00\x00\x80\x3f").values.tolist()
    assert b"\x02\x01" == encode_binary(Tensor(DATATYPES["UINT16"], np.array([258], dtype="<u2")))


def test_unaligned_bytes() -> None:
    """Bytes that start anywhere in the body make an aligned array of the same numbers."""
    raw = memoryview(b"?" + struct.pack("<2d", 1.5, -2))[1:]
    values = decode_binary(FP64, (2,), raw, "x").values
    assert values.flags.aligned
    assert [1.5, -2] == values.tolist()


def test_bf16_keeps_its_bits() -> None:
    """BF16 goes in and out as its 16 bits, NaN and all."""
    raw = b"\x80\x3f\xc1\x7f\x80\xff"
    assert raw == encode_binary(decode(BF16, 3, raw=raw))


def test_booleans() -> None:
    """A boolean is one byte; any but 0 is true, and 1 is what is written."""
    tensor = decode(BOOL, 4, raw=b"\x00\x01\x02\xff")
    assert [False, True, True, True] == tensor.values.tolist()
    assert b"\x00\x01\x01\x01" == encode_binary(tensor)


def test_strings() -> None:
    """Each BYTES element follows its length, which counts bytes and not characters."""
    raw = elements(b"", b"abc", "ü€😀".encode(), b"a\0b")
    tensor = decode(BYTES, 2, 2, raw=raw)
    assert [["", "abc"], ["ü€😀", "a\0b"]] == tensor.values.tolist()
    assert raw == encode_binary(tensor)


@pytest.mark.parametrize("datatype", [FP32, BOOL, BYTES, BF16])
@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_nothing(datatype: Datatype, shape: tuple[int, ...]) -> None:
    """A shape with a 0 takes no bytes."""
    tensor = decode(datatype, *shape, raw=b"")
    assert shape == tensor.shape
    assert b"" == encode_binary(tensor)


def test_scalar() -> None:
    """A tensor without dimensions is one element."""
    assert () == decode(FP32, raw=bytes(4)).shape
    assert "a" == decode(BYTES, raw=elements(b"a")).values.item()


def test_any_memory_layout() -> None:
    """The order is row-major whatever the array's own layout is."""
    numbers = np.arange(6, dtype=np.uint8).reshape(2, 3).T
    assert b"\0\3\1\4\2\5" == encode_binary(Tensor(DATATYPES["UINT8"], numbers))
    texts = np.array([["a", "b"], ["c", "d"]], dtype=object).T
    assert elements(b"a", b"c", b"b", b"d") == encode_binary(Tensor(BYTES, texts))


@pytest.mark.parametrize(
    ("datatype", "shape", "raw", "expected"),
    [
        (FP32, (1,), bytes(3), "input 'x': 3 bytes are not a multiple of 4, the size of FP32"),
        (FP32, (2,), bytes(4), "input 'x': shape [2] takes 2 values, got 1"),
        (FP32, (1,), bytes(8), "input 'x': shape [1] takes 1 values, got 2"),
        (FP32, (1,), b"", "input 'x': shape [1] takes 1 values, got 0"),
        (BOOL, (), bytes(2), "input 'x': shape [] takes 1 values, got 2"),
        (BYTES, (2,), elements(b"a"), "input 'x': shape [2] takes 2 values, got 1"),
        (BYTES, (1,), elements(b"a", b"b", b"c"), "input 'x': shape [1] takes 1 values, got more"),
        (BYTES, (1,), b"\1\0\0", "input 'x': the bytes end inside the length of an element"),
        (BYTES, (2,), elements(b"a") + b"\1", "input 'x': the bytes end inside the length of an element"),
        (BYTES, (1,), b"\2\0\0\0a", "input 'x': the bytes end inside an element"),
        (BYTES, (1,), b"\xff\xff\xff\xff", "input 'x': the bytes end inside an element"),
        (BYTES, (1,), elements(b"\xff"), "input 'x': BYTES elements must be UTF-8, which is what ONNX"),
        (
            BYTES,
            (1,),
            elements(b"\xed\xa0\x80"),
            "input 'x': BYTES elements must be UTF-8, which is what ONNX",
        ),
    ],
)
def test_wrong_bytes(datatype: Datatype, shape: tuple[int, ...], raw: bytes, expected: str) -> None:
    """Missing, surplus and unreadable bytes are refused; the message says which input and why."""
    assert refusal(datatype, *shape, raw=raw).startswith(expected)


def test_impossible_shape() -> None:
    """A shape of no elements can still be larger than any array."""
    assert "shape [0, 2147483647, 2147483647] is not possible" in refusal(
        FP32, 0, 2**31 - 1, 2**31 - 1, raw=b""
    )
