"""Outputs and errors of a file, made of those of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from triptych.batch.chains import counts_of, telling
from triptych.batch.places import Places
from triptych.batches.file import InputFile, Part
from triptych.batches.keys import errors_key, output_key
from triptych.bulk.formats import CONTENT_TYPES
from triptych.bulk.framing import Whole, head, tail
from triptych.bulk.rewriting import TABLES, rewrite
from triptych.errors import ServiceUnavailable
from triptych.interfaces.objects import Bucket, ObjectReader, StoredObject


def joined_output(places: Places, file: InputFile, parts: Sequence[Part]) -> StoredObject:
    """Makes the output of a file visible.

    Args:
        places: Where its parts are, and it goes.
        file: The file.
        parts: Its parts, in order.
    """
    key, content_type = output_key(file.key), CONTENT_TYPES[file.answer.format]
    objects = [_object(places.work, part.output) for part in parts if part.output]
    if file.answer.format in TABLES and len(objects) > 1:
        return _rewritten(places, file, objects)
    known = telling(parts)
    rows = counts_of(parts).written
    whole = Whole(file.answer, known.columns, known.layout, rows, file.model, file.version)
    pieces: list[bytes | StoredObject] = [head(whole), *objects, tail(whole)]
    return places.outputs.join(key, pieces, places.work, content_type)


def joined_errors(places: Places, file: InputFile, parts: Sequence[Part]) -> StoredObject | None:
    """Makes the failed records of a file visible, numbered within the file; None when there are none."""
    if not any(part.errors for part in parts):
        places.outputs.delete(errors_key(file.key))  # of an earlier upload
        return None
    writer = places.outputs.create(errors_key(file.key), "application/jsonlines")
    try:
        before = 0
        for part in parts:
            for line in _lines(places.work, part.errors):
                error = orjson.loads(line)
                writer.write(orjson.dumps({**error, "record": error["record"] + before}) + b"\n")
            before += part.counts.read
        return writer.close()
    except BaseException:
        writer.abort()
        raise


def _rewritten(places: Places, file: InputFile, objects: Sequence[StoredObject]) -> StoredObject:
    """Writes one table of several; parts without rows tell no more than the others."""
    writer = places.outputs.create(output_key(file.key), CONTENT_TYPES[file.answer.format])
    readers: list[ObjectReader] = [places.work.open(found) for found in objects]
    try:
        rewrite(readers, file.answer, writer)
        return writer.close()
    except BaseException:
        writer.abort()
        raise


def _lines(bucket: Bucket, key: str | None) -> Iterator[bytes]:
    if key is None:
        return
    found = _object(bucket, key)
    rest = b""
    for block in bucket.open(found).blocks(0, found.size):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines


def _object(bucket: Bucket, key: str) -> StoredObject:
    found = bucket.find(key)
    if found is None:
        raise ServiceUnavailable("a part of the file is gone; redrive the batch")
    return found
