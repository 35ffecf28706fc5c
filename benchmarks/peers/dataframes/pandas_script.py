"""What many write first: pandas in chunks, and ONNX Runtime."""

import sys

import onnxruntime
import pandas as pd

ROWS = 100_000

if __name__ == "__main__":
    _, source, model, target = sys.argv
    session = onnxruntime.InferenceSession(model)
    with open(target, "w") as output:  # noqa: PTH123 - as a script has it
        for number, chunk in enumerate(pd.read_csv(source, chunksize=ROWS)):
            rows = chunk.drop(columns="id").to_numpy("float32")
            (found,) = session.run(None, {"x": rows})
            pd.DataFrame({"id": chunk["id"], "y": found[:, 0]}).to_csv(
                output, index=False, header=number == 0
            )
    print("done", flush=True)
