"""Triptych: serverless ONNX model serving, three ways."""

__version__ = "0.1.0"
