"""Nothing but the model: import ONNX Runtime, open a session, run it."""

import base64
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

if __name__ == "__main__":
    event = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    (sent,) = json.loads(base64.b64decode(event["body"]))["inputs"]
    session = onnxruntime.InferenceSession(sys.argv[2])
    (found,) = session.run(None, {"x": np.array(sent["data"], np.float32).reshape(sent["shape"])})
    print(json.dumps({"outputs": [{"data": found.ravel().tolist()}]}), flush=True)
