"""Triptych: serverless ONNX model serving, three ways."""

from time import monotonic

LOADED_AT = monotonic()
"""When the process loaded the package, before all else that takes time; seconds of the monotonic clock."""

__version__ = "0.1.0"
