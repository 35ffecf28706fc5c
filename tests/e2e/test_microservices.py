"""Models in a function of their own: every mode, with roles enforced, and what each role may do.

`SERVING=Microservices uv run pytest tests/e2e` runs all other tests in this form too.
"""

import io
import json
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from local.checks import CHECKS
from local.jobs import Jobs
from local.leftovers import remove
from local.smoke import passes
from local.smoke_run import SmokeRun
from local.stack import StackInfo
from tests.e2e.probe import Try, probe
from tests.support import text_exports


def test_every_mode(split_stack: StackInfo) -> None:
    """Real time, jobs and batches have the answers that they have in one function."""
    console = Console(file=io.StringIO(), soft_wrap=True, highlight=False)
    with Jobs(split_stack) as api:
        run = SmokeRun(split_stack, api)
        try:
            results = {check.name: passes(console, check, run) for check in CHECKS}
        finally:
            remove(run)
    assert all(results.values()), console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO


def test_a_text_model_in_the_bucket(split_stack: StackInfo, tmp_path: Path) -> None:
    """The front fetches tokenizer and settings, the other function the graph; neither is deployed."""
    config = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "bad", "1": "good"}}
    directory = text_exports.add_export(tmp_path, "mood", text_exports.classifier(2), config)
    s3, bucket = split_stack.aws().s3(), split_stack.outputs["ModelBucket"]
    for path in sorted(directory.rglob("*"), key=lambda path: path.suffix == ".onnx"):
        s3.upload_file(str(path), bucket, f"models/{path.relative_to(tmp_path)}")
    headers = {"x-api-key": split_stack.api_key}
    body = {"instances": [{"text": "good film"}, {"text": "bad film"}]}
    with httpx.Client(base_url=split_stack.api_url, headers=headers, timeout=60, trust_env=False) as client:
        answer = client.post("/v2/models/mood/predict", json=body)
    assert 200 == answer.status_code, answer.text
    assert {"good", "bad"} >= {row["label"] for row in answer.json()["predictions"]}
    scores = [row["scores"] for row in answer.json()["predictions"]]
    expected = [text_exports.softmax(text_exports.logits(2, text)) for text in ("good film", "bad film")]
    assert all(
        pytest.approx(list(some), abs=1e-5) == list(other)
        for some, other in zip(expected, scores, strict=True)
    )


@pytest.fixture(scope="module")
def front(split_stack: StackInfo) -> Try:
    """A call with the role of a function that runs no models."""
    return probe(split_stack, "RealtimeFunction")


def test_the_front_reads_no_weights(split_stack: StackInfo, front: Try) -> None:
    """It may list models and read their small files, and nothing that is weights."""
    bucket = split_stack.outputs["ModelBucket"]
    s3 = split_stack.aws().s3()
    for name in ("model.onnx", "weights.bin", "config.json"):
        s3.put_object(Bucket=bucket, Key=f"models/guarded/1/{name}", Body=b"{}")
    assert "allowed" == front("s3", "list_objects_v2", Bucket=bucket, Prefix="models/")
    assert "allowed" == front("s3", "get_object", Bucket=bucket, Key="models/guarded/1/config.json")
    for name in ("model.onnx", "weights.bin"):
        assert "AccessDenied" == front("s3", "get_object", Bucket=bucket, Key=f"models/guarded/1/{name}")


def test_the_front_calls_that_function_only(split_stack: StackInfo, front: Try) -> None:
    """It may call the inference function, and no other one."""
    event = (Path(__file__).parents[2] / "events/inference-infer.json").read_text()
    name = split_stack.resources["InferenceFunction"]
    assert "allowed" == front("lambda", "invoke", FunctionName=f"{name}:live", Payload=event)
    other = split_stack.resources["JobWorkerFunction"]
    refused = front("lambda", "invoke", FunctionName=f"{other}:live", Payload=json.dumps({}))
    assert refused.startswith("AccessDenied")
