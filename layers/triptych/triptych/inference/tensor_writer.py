"""An answer of tensors, written to a file slice by slice."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

from triptych.inference.request import Answer
from triptych.inference.slices import RowsDepend
from triptych.protocol.json_document import dump
from triptych.protocol.media_types import BINARY, JSON


class TensorWriter:
    """Joins the answers for slices to the answer for all rows.

    Where every output is numbers in binary, the first slice determines the sizes of all: each output is
    written where it belongs. Otherwise each is kept in a file of its own until its size is known.

    Args:
        target: The file.
        rows: How many rows all slices have.
    """

    def __init__(self, target: Path, rows: int) -> None:
        self._target = target
        self._rows = rows
        self._outputs: list[_Output] = []
        self._message: dict[str, Any] = {}
        self._header_length: int | None = None
        self._files = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def add(self, answer: Answer, rows: int) -> None:
        """Adds the next slice.

        Args:
            answer: The answer for the slice alone.
            rows: How many rows the slice has.

        Raises:
            RowsDepend: An output has another shape than in the slices before.
        """
        length = len(answer.body) if answer.header_length is None else answer.header_length
        message = orjson.loads(memoryview(answer.body)[:length])
        described = message.pop("outputs")
        if not self._outputs:
            self._begin(message, described, rows)
        raw = memoryview(answer.body)[length:]
        for output, tensor in zip(self._outputs, described, strict=True):
            raw = output.add(tensor, raw)

    def finish(self) -> tuple[str, int | None]:
        """Completes the file.

        Returns:
            Its content type, and the bytes of its header; None when it is nothing but JSON.
        """
        if self._header_length is not None:
            return BINARY, self._header_length
        with self._target.open("wb") as file:
            file.write(dump(self._message)[:-1] + b',"outputs":[')
            for index, output in enumerate(self._outputs):
                file.write(b"," if index else b"")
                output.describe(file)
            file.write(b"]}")
            length = file.tell()
            for output in self._outputs:
                output.append_to(file)
        return (BINARY, length) if any(output.binary for output in self._outputs) else (JSON, None)

    def _begin(self, message: dict[str, Any], described: list[dict[str, Any]], rows: int) -> None:
        self._message = message
        sizes = [_fixed_size(tensor) for tensor in described]
        if all(size is not None for size in sizes):
            totals = [(size or 0) // rows * self._rows for size in sizes]
            self._lay_out(described, totals)
        else:
            self._outputs = [_Output(tensor, self._temporary()) for tensor in described]

    def _temporary(self) -> BinaryIO:
        return self._files.enter_context(TemporaryFile(dir=self._target.parent))

    def _lay_out(self, described: list[dict[str, Any]], sizes: list[int]) -> None:
        outputs = [
            _described(tensor, self._rows, size) for tensor, size in zip(described, sizes, strict=True)
        ]
        header = dump({**self._message, "outputs": outputs})
        self._target.write_bytes(header)
        position = self._header_length = len(header)
        for tensor, size in zip(described, sizes, strict=True):
            file = self._files.enter_context(self._target.open("rb+"))
            file.seek(position)
            self._outputs.append(_Output(tensor, file))
            position += size


class _Output:
    """One output: its description for the first slice, and what all slices gave so far."""

    def __init__(self, tensor: dict[str, Any], file: BinaryIO) -> None:
        self.binary = "parameters" in tensor
        self._first = tensor
        self._file = file
        self._rows = 0
        self._size = 0

    def add(self, tensor: dict[str, Any], raw: memoryview) -> memoryview:
        """Adds the next slice; returns what of its raw tensors belongs to other outputs."""
        if tensor["shape"][1:] != self._first["shape"][1:]:
            raise RowsDepend
        self._rows += tensor["shape"][0]
        size = tensor["parameters"]["binary_data_size"] if self.binary else 0
        self._write(raw[:size] if self.binary else self._values(tensor["data"]))
        return raw[size:]

    def describe(self, file: BinaryIO) -> None:
        """Writes its description, with its values where they are JSON."""
        text = dump(_described(self._first, self._rows, self._size))
        if self.binary:
            file.write(text)
            return
        file.write(text[:-1] + b',"data":[')
        self._copy(file)
        file.write(b"]}")

    def append_to(self, file: BinaryIO) -> None:
        """Writes its raw values, if it has any."""
        if self.binary:
            self._copy(file)

    def _values(self, data: list[Any]) -> bytes:
        values = dump(data)[1:-1]
        return b"," + values if self._size and values else values

    def _write(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self._size += len(data)

    def _copy(self, file: BinaryIO) -> None:
        self._file.seek(0)
        shutil.copyfileobj(self._file, file, 2**20)
        os.truncate(self._file.fileno(), 0)  # its room on the disk is needed for what follows


def _described(tensor: dict[str, Any], rows: int, size: int) -> dict[str, Any]:
    described = {name: tensor[name] for name in ("name", "datatype")} | {
        "shape": [rows, *tensor["shape"][1:]]
    }
    return {**described, "parameters": {"binary_data_size": size}} if "parameters" in tensor else described


def _fixed_size(tensor: dict[str, Any]) -> int | None:
    """Returns the bytes of raw numbers; None for strings and for JSON, which take any number of them."""
    if "parameters" not in tensor or tensor["datatype"] == "BYTES":
        return None
    size: int = tensor["parameters"]["binary_data_size"]
    return size
