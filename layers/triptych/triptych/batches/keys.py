"""Keys of objects: what the key of an input says, and where everything that is made of it is stored.

```
inputs    <model>/[<version>/]anything.<ext>[.gz|.zst]      ext: csv jsonl ndjson json parquet arrow npy
          <model>/[<version>/]anything.<ext>                ext: jpg jpeg png webp
          <prefix>/images                                   stands for all images under a prefix
outputs   <input>.out   <input>.errors.jsonl   <input>.manifest.json
work      batches/lists/<digest>.json
          batches/<id>/files.json  plan.json  chunks.json  joins.json
          batches/<id>/parts/<file>/<start>.<token>  and the same with .errors
          batches/<id>/staged/<file>/<chunk>
          batches/<id>/headers/<digest>
```
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from triptych.errors import BadRequest, UnsupportedMediaType
from triptych.protocol.names import model_name, version_number
from triptych.rows.formats import Format, RowFormat

_FORMATS: Final = {
    "csv": Format.CSV,
    "jsonl": Format.JSON_LINES,
    "ndjson": Format.JSON_LINES,
    "json": Format.JSON,
    "parquet": Format.PARQUET,
    "arrow": Format.ARROW,
    "npy": Format.NPY,
    **dict.fromkeys(("jpg", "jpeg", "png", "webp"), Format.IMAGE),
}
IMAGES: Final = "images"
"""Last part of the key that stands for all images under a prefix."""

_COMPRESSIONS: Final = {"gz": "gzip", "zst": "zstd"}
_COMPRESSIBLE: Final = {Format.CSV, Format.JSON_LINES, Format.JSON}


class InputKey(NamedTuple):
    """What the key of an input says; the version is None for the latest."""

    model: str
    version: int | None
    form: RowFormat


def input_key(key: str) -> InputKey:
    """Reads the key of an input.

    Raises:
        BadRequest: It names no model, or an impossible version.
        NotFound: No model can have this name.
        UnsupportedMediaType: Its ending is not that of a format that is read here.
    """
    model, *rest = key.split("/")
    if not rest or not rest[-1]:
        raise BadRequest(f"key {key[:80]!r}: expected <model>/<file> or <model>/<version>/<file>")
    version = rest[0] if len(rest) > 1 and rest[0].isdecimal() else None
    number = None if version is None else version_number(version)
    return InputKey(model_name(model), number, file_form(rest[-1]))


def is_folder(key: str) -> bool:
    """Returns whether a key only marks a folder, as the S3 console (`a/`) or Hadoop (`a_$folder$`) write."""
    return key.endswith(("/", "_$folder$"))


def file_form(name: str) -> RowFormat:
    """Returns how a file is written, by the ending of its name; raises `UnsupportedMediaType` for others."""
    if name == IMAGES:
        return RowFormat(Format.IMAGE)
    stem, _, ending = name.lower().rpartition(".")
    compression = _COMPRESSIONS.get(ending)
    if compression:
        ending = stem.rpartition(".")[2]
    known = _FORMATS.get(ending) if stem else None
    if known is None:
        raise UnsupportedMediaType(
            f"file {name[-80:]!r} is not read here; its name must end in one of .{', .'.join(_FORMATS)}"
            " and, for text, perhaps .gz or .zst"
        )
    if compression and known not in _COMPRESSIBLE:
        raise UnsupportedMediaType(
            f"file {name[-80:]!r}: {known} is compressed within; only text is read with .gz or .zst"
        )
    return RowFormat(known, compression)


def output_key(key: str) -> str:
    """Returns the key of the predictions of an input."""
    return f"{key}.out"


def errors_key(key: str) -> str:
    """Returns the key of the failed records of an input."""
    return f"{key}.errors.jsonl"


def manifest_key(key: str) -> str:
    """Returns the key of the manifest of an input."""
    return f"{key}.manifest.json"


def list_key(digest: str) -> str:
    """Returns the key of a long list of keys that a caller submitted."""
    return f"batches/lists/{digest}.json"


def work_list_key(batch_id: str, name: Literal["files", "plan", "chunks", "joins"]) -> str:
    """Returns the key of a list: files, all chunks, chunks left to do, or files whose parts are joined."""
    return f"{work_prefix(batch_id)}{name}.json"


def part_key(batch_id: str, file: int, start: int, token: str) -> str:
    """Returns the key of the rows of a part; its token keeps two workers that make it apart."""
    return f"{work_prefix(batch_id)}parts/{file:05d}/{start:020d}.{token}"


def part_errors_key(batch_id: str, file: int, start: int, token: str) -> str:
    """Returns the key of the failed records of a part."""
    return f"{part_key(batch_id, file, start, token)}.errors"


def header_key(batch_id: str, digest: str) -> str:
    """Returns the key of a long header of files of a batch."""
    return f"{work_prefix(batch_id)}headers/{digest}"


def staged_key(batch_id: str, file: int, chunk: int) -> str:
    """Returns the key of the plain copy of a chunk."""
    return f"{work_prefix(batch_id)}staged/{file:05d}/{chunk:05d}"


def work_prefix(batch_id: str) -> str:
    """Returns the prefix of all keys of a batch in the bucket for work."""
    return f"batches/{batch_id}/"
