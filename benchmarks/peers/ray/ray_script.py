"""What those write who think of a cluster: Ray Data reads, an actor predicts, Ray Data writes."""

import logging
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime

# Beneath `uv run`, Ray starts its workers with `uv run` as well, which then never come up.
os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import ray

ROWS = 8192


class Predictor:
    """Predicts a batch, in a process that holds the model."""

    def __init__(self, model: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Runs the model on columns."""
        numbers = batch.pop("id")
        rows = np.column_stack([column.astype(np.float32) for column in batch.values()])
        (found,) = self.session.run(None, {"x": rows})
        return {"id": numbers, "y": found[:, 0]}


def start(directory: Path) -> None:
    """Starts Ray on this machine alone."""
    ray.init(
        num_cpus=os.cpu_count(),
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _node_ip_address="127.0.0.1",
        _temp_dir=str(directory),
    )
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True  # as the others do


if __name__ == "__main__":
    _, source, model, target = sys.argv
    with TemporaryDirectory() as name:
        directory = Path(name)
        start(directory / "ray")
        one = ray.data.ActorPoolStrategy(size=1)
        predicted = ray.data.read_csv(source).map_batches(
            Predictor, fn_constructor_args=(model,), batch_size=ROWS, compute=one
        )
        predicted.write_csv(str(directory / "parts"))
        with Path(target).open("wb") as output:
            output.write(b"id,y\n")
            parts = sorted((directory / "parts").glob("*.csv"))
            output.writelines(part.read_bytes().partition(b"\n")[2] for part in parts)
        print("done", flush=True)
        ray.shutdown()
