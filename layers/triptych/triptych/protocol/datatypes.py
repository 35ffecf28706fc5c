"""The datatypes of the protocol, and what each is called elsewhere."""

from __future__ import annotations

from typing import Literal, NamedTuple

from triptych.errors import BadRequest

Kind = Literal["bool", "int", "float", "bytes"]


class Datatype(NamedTuple):
    """One datatype of the Open Inference Protocol.

    Attributes:
        name: Name in the protocol, such as `FP32`.
        kind: Family that decides which JSON values are accepted.
        size: Bytes per element on the wire; 0 for BYTES, whose elements carry their own length.
        storage: NumPy dtype that holds it, little-endian. BF16 is held as its 16 bits, because
            NumPy has no such type; BYTES is held as Python strings.
        onnx: Name of the ONNX Runtime tensor type.
        config: Name in a Triton model configuration.
    """

    name: str
    kind: Kind
    size: int
    storage: str
    onnx: str
    config: str


BOOL = Datatype("BOOL", "bool", 1, "?", "tensor(bool)", "TYPE_BOOL")
FP16 = Datatype("FP16", "float", 2, "<f2", "tensor(float16)", "TYPE_FP16")
FP32 = Datatype("FP32", "float", 4, "<f4", "tensor(float)", "TYPE_FP32")
FP64 = Datatype("FP64", "float", 8, "<f8", "tensor(double)", "TYPE_FP64")
BF16 = Datatype("BF16", "float", 2, "<u2", "tensor(bfloat16)", "TYPE_BF16")
INT64 = Datatype("INT64", "int", 8, "<i8", "tensor(int64)", "TYPE_INT64")
BYTES = Datatype("BYTES", "bytes", 0, "O", "tensor(string)", "TYPE_STRING")

DATATYPES: dict[str, Datatype] = {
    datatype.name: datatype
    for datatype in (
        BOOL,
        Datatype("UINT8", "int", 1, "|u1", "tensor(uint8)", "TYPE_UINT8"),
        Datatype("UINT16", "int", 2, "<u2", "tensor(uint16)", "TYPE_UINT16"),
        Datatype("UINT32", "int", 4, "<u4", "tensor(uint32)", "TYPE_UINT32"),
        Datatype("UINT64", "int", 8, "<u8", "tensor(uint64)", "TYPE_UINT64"),
        Datatype("INT8", "int", 1, "|i1", "tensor(int8)", "TYPE_INT8"),
        Datatype("INT16", "int", 2, "<i2", "tensor(int16)", "TYPE_INT16"),
        Datatype("INT32", "int", 4, "<i4", "tensor(int32)", "TYPE_INT32"),
        INT64,
        FP16,
        FP32,
        FP64,
        BF16,
        BYTES,
    )
}
BY_ONNX: dict[str, Datatype] = {datatype.onnx: datatype for datatype in DATATYPES.values()}


def datatype_named(name: object, where: str) -> Datatype:
    """Looks up a datatype by its name in the protocol; `where` is the part of the request that has it.

    Raises:
        BadRequest: There is no such datatype.
    """
    datatype = DATATYPES.get(name) if isinstance(name, str) else None
    if datatype is None:
        raise BadRequest(f"{where}: unknown datatype {name!r}; expected one of {', '.join(DATATYPES)}")
    return datatype
