"""LitServe."""

import sys
from typing import Any

import litserve
import numpy as np
import onnxruntime


class Tiny(litserve.LitAPI):
    """Answers the requests of the other servers."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe passes it
        """Opens the model."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(sys.argv[1], options)

    def decode_request(self, request: dict[str, Any]) -> np.ndarray:
        """Reads the tensor."""
        (sent,) = request["inputs"]
        return np.array(sent["data"], np.float32).reshape(sent["shape"])

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Runs the model."""
        return self.session.run(None, {"x": x})[0]

    def encode_response(self, output: np.ndarray) -> dict[str, Any]:
        """Writes the tensor."""
        data = output.ravel().tolist()
        return {"outputs": [{"name": "y", "datatype": "FP32", "shape": list(output.shape), "data": data}]}


if __name__ == "__main__":
    server = litserve.LitServer(Tiny(), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="warning")
