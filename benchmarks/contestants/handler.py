"""What all contestants are: a function from an event of API Gateway to its answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime

Handler = Callable[[dict[str, Any]], dict[str, Any]]


def session(model: Path) -> onnxruntime.InferenceSession:
    """Opens a model as the program does: one thread, no memory patterns.

    Args:
        model: The `.onnx` file.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(str(model), options)


def answered(body: str, kind: str = "application/json", *, binary: bool = False) -> dict[str, Any]:
    """Makes an answer.

    Args:
        body: The body; base64 where it is binary.
        kind: Its type.
        binary: Whether it is bytes.
    """
    return {"statusCode": 200, "headers": {"Content-Type": kind}, "body": body, "isBase64Encoded": binary}
