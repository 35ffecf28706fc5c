"""What is wanted of the files of a batch: read from wherever it is said, and put together.

| said in | as | counts |
|---|---|---|
| `model.toml` of the model, table `[batch]` | TOML | where nobody else says |
| user metadata of the file | text, `x-amz-meta-<name>` | before the model's |
| `options` of POST /v2/batches | JSON | before all others |

Names and values are the same everywhere; numbers and flags may be written as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from triptych.batches.batch import BatchOptions
from triptych.batches.form import FileForm, FileFormat
from triptych.errors import BadRequest
from triptych.protocol.names import check_known, nearest
from triptych.tables.formats import A_DELIMITER, DELIMITERS

type Reader = Callable[[object, str], object]

_METADATA = "x-amz-meta-"
_MISSPELT = 0.75  # likeness to an option: "jion" and "headers" are as near, "mtime" and "sha256" are not
_LONGEST = 4096  # characters; S3 takes 2 KB of metadata in all
_NUMBER = re.compile(r"[0-9]{0,3}(\.[0-9]{1,17})?")


def read_options(said: Mapping[str, object], prefix: str = "") -> BatchOptions:
    """Reads options.

    Args:
        said: Values by name.
        prefix: What stands before names where they were written, for messages.

    Raises:
        BadRequest: A name is unknown, or a value is not what it may be.
    """
    check_known(said, _READERS, prefix=prefix)
    values: dict[str, Any] = {name: _READERS[name](value, prefix + name) for name, value in said.items()}
    return BatchOptions(**values)


def metadata_options(metadata: Mapping[str, str]) -> BatchOptions:
    """Reads what the user metadata of a file says. Tools add names of their own, which are left alone.

    Raises:
        BadRequest: A value is not what it may be, or a name is so near to an option that it is one misspelt.
    """
    said = {
        name: value
        for name, value in metadata.items()
        if nearest(name.removeprefix(_METADATA), _READERS, _MISSPELT)
    }
    return read_options(said, _METADATA)


def merged(*layers: BatchOptions) -> BatchOptions:
    """Puts options together: of two who say something, the later one counts."""
    together = BatchOptions()
    for layer in layers:
        together = together._replace(
            **{name: value for name, value in layer._asdict().items() if value is not None}
        )
    return together


def resolved(options: BatchOptions, form: FileForm, key: str | None) -> BatchOptions:
    """Fills what nobody has said; only `outputs` and `key` may be None then.

    Args:
        options: What was said.
        form: How the input is written.
        key: Column that identifies a record, as the model has it.

    Raises:
        BadRequest: Predictions are to be looked up, and no column identifies them.
    """
    defaults = BatchOptions(
        join="none",
        format=form.format,
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


def input_form(form: FileForm, options: BatchOptions) -> FileForm:
    """Tells how the input is written: what its name does not tell, options do.

    Args:
        form: What its name tells.
        options: As `resolved` gives them.
    """
    return form._replace(header=bool(options.header), delimiter=options.delimiter or form.delimiter)


def answer_form(form: FileForm, options: BatchOptions) -> FileForm:
    """Tells how the output is written: plain, and like the input where nothing else is wanted.

    Args:
        form: How the input is written.
        options: As `resolved` gives them.
    """
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


def _one_of(known: Mapping[Any, object], expected: str) -> Reader:
    def read(value: object, where: str) -> object:
        if not isinstance(value, str | bool) or value not in known:
            raise _wrong(where, expected, value)
        return known[value]

    return read


def _wrong(where: str, expected: str, value: object) -> BadRequest:
    return BadRequest(f"{where}: expected {expected}, got {str(value)[:80]!r}")


_FLAGS: Final = {True: True, False: False, "true": True, "false": False}
_HEADERS: Final = {**_FLAGS, "present": True, "absent": False}
_FORMATS: Final = {known.value: known for known in FileFormat}
_READERS: Final[dict[str, Reader]] = {
    "join": _text,
    "outputs": _text,
    "format": _one_of(_FORMATS, f"one of {', '.join(_FORMATS)}"),
    "key": _text,
    "lookup": _one_of(_FLAGS, "true or false"),
    "tolerance": _share,
    "header": _one_of(_HEADERS, "present or absent"),
    "delimiter": _one_of(DELIMITERS, A_DELIMITER),
}
