"""The deployed stack as its users meet it: keys, errors, outputs and models that are added later."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.deploy import LOCAL_PARAMETERS
from local.stack import StackInfo

ROOT = Path(__file__).parents[2]
PENGUINS = ROOT / "layers" / "models" / "penguins" / "1" / "model.onnx"


@pytest.fixture
def anonymous(stack: StackInfo) -> Iterator[httpx.Client]:
    """A client without an API key."""
    with httpx.Client(base_url=stack.api_url, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def client(stack: StackInfo) -> Iterator[httpx.Client]:
    """A client with the stack's API key."""
    headers = {"x-api-key": stack.api_key}
    with httpx.Client(base_url=stack.api_url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


@pytest.mark.usefixtures("stack")
def test_one_process_deploys_a_stack(request: pytest.FixtureRequest, worker_id: str) -> None:
    """Where several processes run tests, those of a stack go to one of them: else each deploys its own."""
    assert worker_id == "master" or request.node.nodeid.endswith("@stack")


def test_everything_else_needs_a_key(anonymous: httpx.Client) -> None:
    """Without a key the gateway refuses, in the protocol's shape, and says which header is missing."""
    answer = anonymous.get("/v2")

    assert 403 == answer.status_code
    assert {"error": "the header x-api-key is missing or holds no valid API key"} == answer.json()


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("DELETE", "/v2/models/penguins")])
def test_unknown_routes(client: httpx.Client, method: str, path: str) -> None:
    """The gateway answers for paths and methods that it does not know, in the protocol's shape."""
    answer = client.request(method, path)

    assert 404 == answer.status_code
    assert {"error": "there is no such path or method: see /docs"} == answer.json()


def test_statistics_of_all_models_are_not_taken_for_a_model(client: httpx.Client) -> None:
    """A fixed path wins over one with a parameter in the same place."""
    assert ["model_stats"] == list(client.get("/v2/models/stats").json())


def test_outputs(stack: StackInfo) -> None:
    """What people and their scripts read is an output of the stack; all else is a resource."""
    expected = {
        *("ApiUrl", "ApiKeyId", "ModelBucket", "AlarmTopic", "DashboardUrl"),
        *("JobsQueueUrl", "JobsTopicArn", "ResultsBucket"),
        *("InputBucket", "OutputBucket", "BatchesTopicArn"),
    }
    assert expected == set(stack.outputs)
    assert not stack.outputs["ApiUrl"].endswith("/")


def test_stack_information_survives_a_file(stack: StackInfo, tmp_path: Path) -> None:
    """What is written for scripts reads back as it was."""
    stack.write(tmp_path / "stack.json")
    assert stack == StackInfo.read(tmp_path / "stack.json")


def test_a_model_in_the_bucket_is_served_without_a_deploy(stack: StackInfo, client: httpx.Client) -> None:
    """A model that is put into the bucket is served as soon as the listing of models is made again."""
    assert 404 == client.get("/v2/models/newcomer").status_code

    stack.aws().s3().upload_file(str(PENGUINS), stack.outputs["ModelBucket"], "models/newcomer/3/model.onnx")

    assert ["3"] == _once_listed(client, "/v2/models/newcomer").json()["versions"]
    rows = (ROOT / "examples" / "penguins.csv").read_bytes()
    answer = client.post("/v2/models/newcomer/predict", content=rows, headers={"content-type": "text/csv"})
    assert answer.text.splitlines()[1].startswith("Adelie,")


def _once_listed(client: httpx.Client, path: str) -> httpx.Response:
    deadline = time.monotonic() + 10 * float(LOCAL_PARAMETERS["ModelRefreshSeconds"])
    while not (answer := client.get(path)).is_success and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer
