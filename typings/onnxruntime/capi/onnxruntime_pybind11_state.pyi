"""ONNX Runtime's exceptions: nothing is named here, for what is used is looked up by its base class."""
