"""What a Parquet file says about itself, read before anything is decoded.

Source: `src/main/thrift/parquet.thrift` of apache/parquet-format, for the numbers of the fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from triptych.errors import BadRequest
from triptych.tables.thrift import ThriftError, read_struct

_MAGIC = b"PAR1"
_TAIL = 8  # four bytes of footer length, four of magic
_MAX_NESTING = 32  # the decoder is recursive
_WIDTHS = {0: 1, 1: 4, 2: 8, 3: 12, 4: 4, 5: 8, 6: 4, 7: 1}  # bytes of a value in memory, by physical type
_BYTE_ARRAY = 6


@dataclass(frozen=True, slots=True)
class ParquetFooter:
    """Sizes of a Parquet file, as it declares them.

    Attributes:
        rows: Number of rows.
        columns: Number of leaf columns.
        decoded_size: Bytes that its values take in memory, at least.
        longest_text: Upper bound, in bytes, of the longest text that its dictionaries may repeat; 0 when
            repetition cannot make the file grow.
    """

    rows: int
    columns: int
    decoded_size: int
    longest_text: int


def read_footer(body: bytes) -> ParquetFooter:
    """Reads the footer.

    Raises:
        BadRequest: The body is not a Parquet file, is encrypted, or its columns are nested too deeply.
    """
    if len(body) < len(_MAGIC) + _TAIL or body[:4] != _MAGIC or body[-4:] != _MAGIC:
        raise BadRequest("the body is not a Parquet file: it must begin and end with PAR1")
    length = int.from_bytes(body[-_TAIL:-4], "little")
    if length > len(body) - len(_MAGIC) - _TAIL:
        raise BadRequest("the Parquet footer is longer than the file")
    try:
        return _footer(read_struct(body[-_TAIL - length : -_TAIL]))
    except (ThriftError, KeyError, TypeError, AttributeError):
        raise BadRequest("the Parquet footer cannot be read") from None


def _footer(metadata: dict[int, Any]) -> ParquetFooter:
    _check_nesting([element.get(5, 0) for element in metadata[2]])
    chunks = [chunk[3] for group in metadata[4] for chunk in group[1]]
    sizes = [max(chunk[6], chunk[5] * _WIDTHS[chunk[1]], 0) for chunk in chunks]
    texts = [chunk[6] for chunk in chunks if chunk[1] == _BYTE_ARRAY]
    return ParquetFooter(
        rows=metadata[3],
        columns=sum(not element.get(5) for element in metadata[2]),
        decoded_size=sum(sizes),
        longest_text=max(texts, default=0),
    )


def _check_nesting(children: list[int]) -> None:
    """Walks the tree of columns, given as how many children each element has, in depth-first order."""
    open_groups: list[int] = []
    for count in children:
        while open_groups and open_groups[-1] == 0:
            open_groups.pop()
        if open_groups:
            open_groups[-1] -= 1
        open_groups.append(count)
        if len(open_groups) > _MAX_NESTING:
            raise BadRequest(f"the Parquet columns are nested more than {_MAX_NESTING} deep")
