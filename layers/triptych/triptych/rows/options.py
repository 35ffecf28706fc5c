"""What a caller asks of rows.

A request asks in its headers and query, a job in its message (`row_options`). The files of a batch have
options from up to three sources, which are merged (`BatchOptions`):

| source | as | precedence |
|---|---|---|
| `model.toml` of the model, table `[batch]` | TOML | lowest |
| user metadata of the file | text, `x-amz-meta-<name>` | over the model's |
| `options` of POST /v2/batches | JSON | highest |

Names and values are the same everywhere; numbers and flags may be written as text.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from triptych.errors import BadRequest
from triptych.protocol.names import check_known, nearest
from triptych.rows.formats import Format, RowFormat, answer_format, request_format

type Reader = Callable[[object, str], object]

_METADATA = "x-amz-meta-"
_MISSPELT = 0.75  # likeness to an option: "jion" and "headers" are as near, "mtime" and "sha256" are not
_LONGEST = 4096  # characters; S3 takes 2 KB of metadata in all
_NUMBER = re.compile(r"[0-9]{0,3}(\.[0-9]{1,17})?")


class RowOptions(NamedTuple):
    """How rows are written, and what comes back for them.

    Attributes:
        join: Input columns that come back before the outputs; None for all.
        outputs: Names of the wanted outputs; empty for all.
    """

    input: RowFormat
    output: RowFormat
    join: tuple[str, ...] | None = ()
    outputs: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, rows: RowFormat, answer: RowFormat, join: str | None = None, outputs: str | None = None
    ) -> RowOptions:
        """Returns options whose names are written as one text, with commas between.

        `all` joins all columns, `none` or None no column; None wants all outputs.
        """
        columns = None if join == "all" else () if join == "none" else _names(join)
        return cls(rows, answer, columns, _names(outputs))


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.split(","))) if text else ()


@lru_cache(
    maxsize=64
)  # clients send the same again and again, and reading it takes longer than a small model
def row_options(
    content_type: str | None,
    accept: str | None = None,
    join: str | None = None,
    outputs: str | None = None,
    delimiter: str | None = None,
) -> RowOptions:
    """Reads what a request asks of its rows; `join` and `outputs` are as in `RowOptions.of`.

    Raises:
        BadRequest: There is no such delimiter.
        UnsupportedMediaType: Rows of this type are not read here.
        NotAcceptable: None of the accepted formats is written here.
    """
    form = request_format(content_type, "," if delimiter is None else _delimiter(delimiter, "delimiter"))
    return RowOptions.of(form, answer_format(accept, form), join, outputs)


class BatchOptions(NamedTuple):
    """Options of files; None where an option is not set.

    Attributes:
        join: Input columns that come back before the outputs: `all`, `none`, or names with commas between.
        outputs: Names of the wanted outputs, with commas between.
        format: Format of the output; that of the input where it is None.
        key: Column that identifies a record.
        lookup: Whether predictions can be looked up by key.
        tolerance: Share of records, from 0 to 1, that may fail before the file fails.
        header: Whether the first row of CSV names the columns.
        delimiter: What separates the cells of CSV.
    """

    join: str | None = None
    outputs: str | None = None
    format: Format | None = None
    key: str | None = None
    lookup: bool | None = None
    tolerance: float | None = None
    header: bool | None = None
    delimiter: str | None = None


def read_options(values: Mapping[str, object], prefix: str = "") -> BatchOptions:
    """Reads options; `prefix` is what precedes the names at their source.

    Raises:
        BadRequest: A name is unknown, or a value is not what it may be.
    """
    check_known(values, _READERS, prefix=prefix)
    read: dict[str, Any] = {name: _READERS[name](value, prefix + name) for name, value in values.items()}
    return BatchOptions(**read)


def metadata_options(metadata: Mapping[str, str]) -> BatchOptions:
    """Reads the options in the user metadata of a file. Tools add names of their own, which are ignored.

    Raises:
        BadRequest: A value is not what it may be, or a name is so near to an option that it is one misspelt.
    """
    options = {
        name: value
        for name, value in metadata.items()
        if nearest(name.removeprefix(_METADATA), _READERS, _MISSPELT)
    }
    return read_options(options, _METADATA)


def merged(*layers: BatchOptions) -> BatchOptions:
    """Merges options: where several layers set one, the last counts."""
    found = BatchOptions()
    for layer in layers:
        found = found._replace(
            **{name: value for name, value in layer._asdict().items() if value is not None}
        )
    return found


def resolved(options: BatchOptions, form: RowFormat, key: str | None) -> BatchOptions:
    """Fills in the defaults; only `outputs` and `key`, by default the model's, may be None then.

    Raises:
        BadRequest: Predictions are to be looked up, and no column identifies them.
    """
    images = form.format is Format.IMAGE
    defaults = BatchOptions(
        join="image" if images else "none",  # the key of each
        format=Format.JSON_LINES if images else form.format,
        key=key,
        lookup=False,
        tolerance=1.0,
        header=form.header,
        delimiter=form.delimiter,
    )
    filled = merged(defaults, options)
    if filled.lookup and filled.key is None:
        raise BadRequest("lookup: expected a key as well: the column by which predictions are looked up")
    return filled


def input_form(form: RowFormat, options: BatchOptions) -> RowFormat:
    """Returns how the input is written: what its name tells, and the resolved options tell more."""
    return form._replace(header=bool(options.header), delimiter=options.delimiter or form.delimiter)


def answer_form(form: RowFormat, options: BatchOptions) -> RowFormat:
    """Returns how the output is written: not compressed, and otherwise like the input by default."""
    return input_form(form, options)._replace(format=options.format or form.format, compression=None)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
        raise _wrong(where, f"1 to {_LONGEST} characters", value)
    return value


def _share(value: object, where: str) -> float:
    number = float(value) if isinstance(value, str) and value and _NUMBER.fullmatch(value) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 1:
        raise _wrong(where, "a number from 0 to 1", value)
    return round(float(number), 9)  # as many digits as every store keeps


def _delimiter(value: object, where: str) -> str:
    if not isinstance(value, str) or value not in _DELIMITERS:
        raise _wrong(where, "one mark such as ',', ';', '|', or 'tab'", value)
    return _DELIMITERS[value]


def _one_of(known: Mapping[Any, object], expected: str) -> Reader:
    def read(value: object, where: str) -> object:
        if not isinstance(value, str | bool) or value not in known:
            raise _wrong(where, expected, value)
        return known[value]

    return read


def _wrong(where: str, expected: str, value: object) -> BadRequest:
    return BadRequest(f"{where}: expected {expected}, got {str(value)[:80]!r}")


_DELIMITERS: Final[Mapping[str, str]] = {
    **{mark: mark for mark in sorted(set(string.punctuation) - set("\"'.+-_\\"))},
    **dict.fromkeys(("\t", "\\t", "tab"), "\t"),
}
_FLAGS: Final = {True: True, False: False, "true": True, "false": False}
_HEADERS: Final = {**_FLAGS, "present": True, "absent": False}
_FORMATS: Final = {known.value: known for known in Format if known is not Format.IMAGE}
_READERS: Final[dict[str, Reader]] = {
    "join": _text,
    "outputs": _text,
    "format": _one_of(_FORMATS, f"one of {', '.join(_FORMATS)}"),
    "key": _text,
    "lookup": _one_of(_FLAGS, "true or false"),
    "tolerance": _share,
    "header": _one_of(_HEADERS, "present or absent"),
    "delimiter": _delimiter,
}
