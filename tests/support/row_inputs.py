"""Rows of any format as the arrays that a model gets."""

from triptych.protocol.datatypes import DATATYPES
from triptych.protocol.tensors import Array, Signature, TensorSpec
from triptych.rows.codec import decode_rows
from triptych.rows.formats import Format, RowFormat
from triptych.rows.inputs import model_inputs
from triptych.rows.schema import RowSchema

CSV = RowFormat(Format.CSV, media_type="text/csv")
LINES = RowFormat(Format.JSON_LINES, media_type="application/jsonlines")
PARQUET = RowFormat(Format.PARQUET, media_type="application/x-parquet")


def spec(name: str, datatype: str, *shape: int) -> TensorSpec:
    """Makes a description of an input."""
    return TensorSpec(name, DATATYPES[datatype], shape)


def inputs_of(body: bytes, form: RowFormat, schema: RowSchema) -> dict[str, Array]:
    """Reads rows into arrays that fit the model."""
    tensors = model_inputs(decode_rows(body, form, schema), schema).tensors
    Signature(schema.inputs, ()).check_inputs(tensors)
    return {name: tensor.values for name, tensor in tensors.items()}
