"""MLServer, with a runtime for the model."""

import asyncio
import sys

import numpy as np
import onnxruntime
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Tiny(MLModel):
    """Answers the requests of the other servers."""

    async def load(self) -> bool:
        """Opens the model."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(sys.argv[1], options)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Runs the model."""
        x = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32)
        (found,) = self.session.run(None, {"x": x})
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("y", found)])


async def main(port: int) -> None:
    """Serves in this process: for a model as small as this, workers of its own only cost."""
    settings = Settings(
        host="127.0.0.1",
        http_port=port,
        grpc_port=0,  # any
        parallel_workers=0,
        metrics_endpoint=None,
        debug=False,
    )
    await MLServer(settings).start([ModelSettings(name="tiny", implementation=Tiny)])


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[2])))
