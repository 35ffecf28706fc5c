"""Triptych: serverless ONNX model serving, three ways."""
