"""The stations of the demo: each makes real calls and shows what comes back."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import numpy as np
import tritonclient.http as triton
from rich.columns import Columns
from rich.console import Console

from local.build import ROOT
from local.calls import Calls, expect_success, timed
from local.failure import LocalFailure
from local.pictures import digit, heading, table
from local.stack import StackInfo

EXAMPLES = ROOT / "examples"
WRONG_SHAPE = json.dumps(
    {"inputs": [{"name": "image", "shape": [1, 64], "datatype": "FP32", "data": [0] * 64}]}
).encode()
MODELS = ("penguins", "digits", "recommender")
OF_TASKS = ("reviews", "search", "handwriting")
PICKED_UP_SECONDS = 30
VISITOR = 15  # a user whom the recommender knows
BEST = 5


def models(console: Console, calls: Calls) -> None:
    """Show the signatures of the models."""
    heading(console, "What there is", "GET /v2/models/{model}")
    shown = table("model", "versions", "takes", "gives")
    for name in (*MODELS, *OF_TASKS):
        model = calls.json("GET", f"/v2/models/{name}")
        takes, gives = (
            ", ".join(f"{tensor['name']} {tensor['datatype']}" for tensor in model[side])
            for side in ("inputs", "outputs")
        )
        shown.add_row(name, ", ".join(model["versions"]), takes, gives)
    console.print(shown)


def tensors(console: Console, calls: Calls) -> None:
    """Recognise digits: one array in, two tensors out, as JSON."""
    heading(console, "Tensors as JSON", "POST /v2/models/digits/infer")
    body = (EXAMPLES / "digits.json").read_bytes()
    answer, timing = timed(lambda: _posted(calls, "/v2/models/digits/infer", body, "application/json"))
    outputs = {output["name"]: output for output in answer.json()["outputs"]}
    labels, probabilities = outputs["digit"]["data"], outputs["probabilities"]
    surest = np.reshape(probabilities["data"], probabilities["shape"]).max(axis=1)
    images = json.loads(body)["inputs"][0]["data"]
    pictures = [
        digit(image, f"{label} ({sure:.1%} sure)")
        for image, label, sure in zip(images, labels, surest, strict=True)
    ]
    console.print(Columns(pictures, padding=(0, 4)))
    console.print(f"{timing}\n")


def rows(console: Console, calls: Calls) -> None:
    """Classify penguins: rows in, rows out, some cells missing."""
    path = "/v2/models/penguins/predict?join=all"
    heading(console, "Rows as CSV, some cells missing", f"POST {path}")
    body = (EXAMPLES / "penguins.csv").read_bytes()
    answer, timing = timed(lambda: _posted(calls, path, body, "text/csv"))
    shown = table("island", "sex", "bill (mm)", "mass (g)", "species", "sure")
    for row in answer.json()["predictions"]:
        given = (row["island"], row["sex"], row["bill_length_mm"], row["body_mass_g"])
        cells = ("-" if cell in (None, "") else str(cell) for cell in given)
        shown.add_row(*cells, row["species"], f"{max(row['probabilities']):.1%}")
    console.print(shown)
    console.print(f"{timing}\n")


def binary(console: Console, stack: StackInfo) -> None:
    """Recommend films, with the client that Triton's users have."""
    heading(console, "Binary tensors, Triton's own client", "POST /v2/models/recommender/infer")
    client = triton.InferenceServerClient(stack.api_url.removeprefix("http://"))
    user = triton.InferInput("user_id", [1, 1], "INT64")
    user.set_data_from_numpy(np.array([[VISITOR]], dtype=np.int64))
    headers = {"x-api-key": stack.api_key, "Accept": "*/*"}  # the emulator sends binary to who accepts it
    answer, timing = timed(lambda: client.infer("recommender", [user], headers=dict(headers)))
    shown = table(f"for user {VISITOR}", "score")
    films, scores = answer.as_numpy("items")[0], answer.as_numpy("scores")[0]
    for film, score in zip(films[:BEST], scores[:BEST], strict=True):
        shown.add_row(film.decode(), f"{score:.3f}")
    console.print(shown)
    console.print(f"{timing}\n")


def mistake(console: Console, calls: Calls) -> None:
    """Send an image of the wrong shape."""
    heading(console, "A mistake says what is wrong", "POST /v2/models/digits/infer")
    answer = calls.post("/v2/models/digits/infer", WRONG_SHAPE, "application/json")
    console.print(f"{answer.status_code} {answer.text}\n", markup=False)


def new_version(console: Console, stack: StackInfo, calls: Calls) -> None:
    """Put a second version into the model bucket, wait until it answers, and remove it again."""
    source = "layers/models/penguins/1/model.onnx"
    body = (EXAMPLES / "penguins.json").read_bytes()
    with _uploaded(stack, source, "models/penguins/2/model.onnx") as place:
        heading(console, "A new version without a deploy", f"aws s3 cp {source} {place}")
        seconds = _wait_for_second_version(calls)
        answer = calls.post("/v2/models/penguins/predict", body, "application/json").json()
        console.print(f"{seconds:.1f} s later version {answer['model_version']} answers:", end=" ")
        console.print(f"{answer['predictions'][0]['species']}, as the same model did as version 1\n")


def _posted(calls: Calls, path: str, body: bytes, kind: str) -> httpx.Response:
    return expect_success(calls.post(path, body, kind))


def _wait_for_second_version(calls: Calls) -> float:
    started = time.monotonic()
    while "2" not in calls.json("GET", "/v2/models/penguins")["versions"]:
        if time.monotonic() - started > PICKED_UP_SECONDS:
            raise LocalFailure("the new version was not picked up")
        time.sleep(0.2)
    return time.monotonic() - started


@contextmanager
def _uploaded(stack: StackInfo, source: str, key: str) -> Iterator[str]:
    s3, bucket = stack.aws().s3(), stack.outputs["ModelBucket"]
    s3.upload_file(str(ROOT / source), bucket, key)
    try:
        yield f"s3://{bucket}/{key}"
    finally:
        s3.delete_object(Bucket=bucket, Key=key)
