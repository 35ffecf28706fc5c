"""An answer of tensors, written to a file slice by slice."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, BinaryIO, Self

from triptych.inference.slices import RowsDepend
from triptych.inference.tensors import EncodedOutput, PreparedTensors
from triptych.protocol.json_document import dump
from triptych.protocol.media_types import BINARY, JSON


class TensorWriter:
    """Joins the outputs for slices to the answer for all rows.

    Where every output is numbers in binary, the first slice determines the sizes of all: each output is
    written where it belongs. Otherwise each is kept in a file of its own until its size is known.
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

    def add(self, part: PreparedTensors, outputs: Sequence[EncodedOutput]) -> None:
        """Adds the next slice; raises `RowsDepend` where an output has another shape than before."""
        if not self._outputs:
            self._begin(part, outputs)
        for output, encoded in zip(self._outputs, outputs, strict=True):
            output.add(encoded)

    def finish(self) -> tuple[str, int | None]:
        """Completes the file; returns its content type, and the bytes of its header, None for JSON alone."""
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
                if output.binary:
                    output.copy(file)
        return (BINARY, length) if any(output.binary for output in self._outputs) else (JSON, None)

    def _begin(self, part: PreparedTensors, outputs: Sequence[EncodedOutput]) -> None:
        self._message = part.message
        if all(output.raw is not None and output.described["datatype"] != "BYTES" for output in outputs):
            self._lay_out(outputs, part.rows)
        else:
            self._outputs = [_Output(output, self._temporary()) for output in outputs]

    def _temporary(self) -> BinaryIO:
        return self._files.enter_context(TemporaryFile(dir=self._target.parent))

    def _lay_out(self, outputs: Sequence[EncodedOutput], rows: int) -> None:
        """Writes the header, and finds where each output belongs: all rows of numbers have as many bytes."""
        sizes = [len(output.raw or b"") // rows * self._rows for output in outputs]
        described = [
            _described(output, self._rows, size) for output, size in zip(outputs, sizes, strict=True)
        ]
        header = dump({**self._message, "outputs": described})
        self._target.write_bytes(header)
        position = self._header_length = len(header)
        for output, size in zip(outputs, sizes, strict=True):
            file = self._files.enter_context(self._target.open("rb+"))
            file.seek(position)
            self._outputs.append(_Output(output, file))
            position += size


class _Output:
    """One output: its description for the first slice, and the values of all slices so far."""

    def __init__(self, first: EncodedOutput, file: BinaryIO) -> None:
        self.binary = first.raw is not None
        self._first = first
        self._file = file
        self._rows = 0
        self._size = 0

    def add(self, output: EncodedOutput) -> None:
        """Adds the next slice."""
        shape = output.described["shape"]
        if shape[1:] != self._first.described["shape"][1:]:
            raise RowsDepend
        self._rows += shape[0]
        data = self._values(output.described["data"]) if output.raw is None else output.raw
        self._file.write(data)
        self._size += len(data)

    def describe(self, file: BinaryIO) -> None:
        """Writes its description, with its values where they are JSON."""
        text = dump(_described(self._first, self._rows, self._size))
        if self.binary:
            file.write(text)
            return
        file.write(text[:-1] + b',"data":[')
        self.copy(file)
        file.write(b"]}")

    def _values(self, data: Any) -> bytes:  # noqa: ANN401 - JSON
        values = dump(data)[1:-1]
        return b"," + values if self._size and values else values

    def copy(self, file: BinaryIO) -> None:
        """Writes its values."""
        self._file.seek(0)
        shutil.copyfileobj(self._file, file, 2**20)
        os.truncate(self._file.fileno(), 0)  # its room on the disk is needed for what follows


def _described(output: EncodedOutput, rows: int, size: int) -> dict[str, Any]:
    first = output.described
    described = {
        "name": first["name"],
        "datatype": first["datatype"],
        "shape": [rows, *first["shape"][1:]],
    }
    return described if output.raw is None else {**described, "parameters": {"binary_data_size": size}}
