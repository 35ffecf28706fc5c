"""The handlers behind a small stand-in for API Gateway do what the API's document says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from triptych.batches.batch import Batch
from triptych.http.routes import batch_routes, job_routes, realtime_routes
from triptych.jobs.job import Job
from triptych.models.repository import ModelRepository
from triptych.models.storage import DirectoryStorage

from tests.support.batches_api import BatchesApi
from tests.support.contract import EXAMPLES, ROOT, UNSERVED, Api, Example, comparable, violations
from tests.support.gateway import Gateway, serve
from tests.support.jobs_api import JobsApi
from tests.support.properties import examples
from tests.support.realtime import RealtimeFunction

KEY = "key-of-the-tests"
MODELS = ROOT / "layers" / "models"


@pytest.fixture(scope="module")
def jobs() -> JobsApi:
    """The function that takes jobs for the models that ship with the stack."""
    api = JobsApi(ModelRepository([DirectoryStorage(MODELS)], refresh_seconds=3600))
    api.queue.consumer = api.fail  # whoever waits for a job does not wait long
    return api


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> BatchesApi:
    """The function that takes batches for the models that ship with the stack."""
    directory = tmp_path_factory.mktemp("batches")
    return BatchesApi(ModelRepository([DirectoryStorage(MODELS)], refresh_seconds=3600), directory)


@pytest.fixture(scope="module")
def api(jobs: JobsApi, batches: BatchesApi) -> Iterator[Api]:
    """The whole application with the models that ship with the stack."""
    realtime = RealtimeFunction(MODELS)
    functions = dict.fromkeys(realtime_routes(), realtime) | dict.fromkeys(job_routes(), jobs.function)
    with serve(Gateway(functions | dict.fromkeys(batch_routes(), batches.function), KEY)) as url:
        yield Api(url, KEY)


def prepare(jobs: JobsApi, batches: BatchesApi, example: Example) -> None:
    """Makes the job, the batch and the predictions that an example names, in the state that it needs."""
    job: dict[str, Callable[[], Job]] = {"cancelJob": jobs.queued, "redriveJob": jobs.failed}
    job.get(example.name, jobs.succeeded)()
    batch: dict[str, Callable[[], Batch]] = {"cancelBatch": batches.running, "redriveBatch": batches.failed}
    batch.get(example.name, batches.succeeded)()
    batches.predicted("digits")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples(api: Api, jobs: JobsApi, batches: BatchesApi, example: Example) -> None:
    """Every request of the document succeeds, with an answer of the shape that the document gives."""
    prepare(jobs, batches, example)
    response = api.ask(example)
    assert response.status_code == example.status, response.text
    assert [] == violations(example.route, response)


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.answer], ids=lambda example: example.name)
def test_answers(api: Api, example: Example) -> None:
    """An answer in the document is what really comes back."""
    assert example.answer is not None
    assert comparable(example.answer) == comparable(api.ask(example).text)


@pytest.mark.parametrize(("method", "path"), UNSERVED)
def test_unserved(api: Api, method: str, path: str) -> None:
    """What is not served says so in the protocol's shape of an error."""
    response = api.send(method, path)
    assert response.status_code == 501
    assert ["error"] == list(response.json())


@pytest.mark.slow
def test_fuzz(api: Api, jobs: JobsApi, batches: BatchesApi, tmp_path: Path) -> None:
    """Schemathesis finds no request whose answer is not as documented."""
    jobs.succeeded()
    batches.succeeded()
    assert not api.fuzz(examples(25).max_examples, tmp_path)
