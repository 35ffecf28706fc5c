"""BentoML; it imports this file in a worker, so the model comes from the environment."""

import os
import subprocess
import sys
from typing import Any

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(workers=1)
class Tiny:
    """Answers the requests of the other servers."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options)

    @bentoml.api
    def infer(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """Runs the model."""
        (sent,) = inputs
        x = np.array(sent["data"], np.float32).reshape(sent["shape"])
        (found,) = self.session.run(None, {"x": x})
        data = found.ravel().tolist()
        return {"outputs": [{"name": "y", "datatype": "FP32", "shape": list(found.shape), "data": data}]}


if __name__ == "__main__":
    command = [
        "-m",
        "bentoml",
        "serve",
        "--quiet",
        "server:Tiny",
        "--host",
        "127.0.0.1",
        "--port",
        sys.argv[2],
    ]
    folder = os.path.dirname(__file__)  # noqa: PTH120 - what BentoML imports from
    environment = {**os.environ, "MODEL": sys.argv[1]}
    sys.exit(subprocess.call([sys.executable, *command], cwd=folder, env=environment))  # noqa: S603 - ours
