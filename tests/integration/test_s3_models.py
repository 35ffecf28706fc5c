"""Real models out of a bucket: found, downloaded, opened, run, replaced."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from triptych.clock import Deadline
from triptych.errors import ModelLoading, ModelUnavailable, NotFound

from tests.integration.model_bucket import ModelBucket
from tests.integration.s3_server import Request
from tests.integration.service import MB, REFRESH, RecordedBucket, Service
from tests.unit.fakes.clock import Clock
from tests.unit.fakes.graphs import WEIGHTS_FILE, write_adder


def test_downloaded_once(bucket: ModelBucket, service: Service, tmp_path: Path) -> None:
    """A model is downloaded on first use; later requests, and a new process on the same disk, reuse it."""
    bucket.put_adder("adder/1", 1.5, external=True)
    assert (1, 1.5) == service.add("adder")
    downloads = service.reader.count("GetObject")
    assert 2 == downloads
    for _ in range(3):
        assert (1, 1.5) == service.add("adder")
    assert downloads == service.reader.count("GetObject")
    again = Service(tmp_path / "cache", Clock(), RecordedBucket(bucket))
    assert (1, 1.5) == again.add("adder")
    assert 0 == again.reader.count("GetObject")


def test_requests_of_a_cold_start(bucket: ModelBucket, service: Service) -> None:
    """One listing finds the model, one checks it before the download; each small file is one GET."""
    bucket.put_adder("adder/1", 1.5)
    bucket.put("models/adder/model.toml", b"description = 'adds'")
    assert "adds" == service.store.get("adder").config.description
    expected = ["ListObjectsV2", "GetObject", "ListObjectsV2", "GetObject"]
    assert expected == [request.operation for request in service.reader.requests]


def test_new_version_is_noticed(bucket: ModelBucket, service: Service) -> None:
    """A version that is uploaded is served without a deploy."""
    bucket.put_adder("adder/9", 1)
    assert (9, 1) == service.add("adder")
    bucket.put_adder("adder/10", 2)
    assert (9, 1) == service.add("adder")
    service.clock.advance(REFRESH)
    assert (10, 2) == service.add("adder")
    assert (9, 1) == service.add("adder", 9)


def test_overwritten_model_is_loaded_again(bucket: ModelBucket, service: Service) -> None:
    """Another graph under the same key is served once the listing is old."""
    bucket.put_adder("adder/1", 1)
    assert (1, 1) == service.add("adder")
    bucket.put_adder("adder/1", 2)
    service.clock.advance(REFRESH)
    assert (1, 2) == service.add("adder")


def test_changed_config_downloads_nothing(bucket: ModelBucket, service: Service) -> None:
    """Another `model.toml` is applied to the files that are on the disk already."""
    bucket.put_adder("adder/1", 1)
    service.add("adder")
    bucket.put("models/adder/model.toml", b"key = 'id'")
    service.clock.advance(REFRESH)
    assert "id" == service.store.get("adder").config.key
    gets = [request.key for request in service.reader.requests if request.operation == "GetObject"]
    assert ["models/adder/1/model.onnx", "models/adder/model.toml"] == gets


def test_version_without_graph_is_not_served(bucket: ModelBucket, service: Service) -> None:
    """While only weights have arrived, the version is not there; with its graph it is."""
    bucket.put_adder("adder/1", 1)
    bucket.put_adder("adder/2", 2, external=True)
    graph = bucket.client.get_object(Bucket=bucket.name, Key="models/adder/2/model.onnx")["Body"].read()
    bucket.delete("models/adder/2/model.onnx")
    assert (1, 1) == service.add("adder")
    with pytest.raises(NotFound, match="unknown version 2"):
        service.add("adder", 2)
    bucket.put("models/adder/2/model.onnx", graph)
    service.clock.advance(REFRESH)
    assert (2, 2) == service.add("adder")


def test_version_without_weights_is_not_served(bucket: ModelBucket, service: Service) -> None:
    """While weights are missing, the version before is served; once they arrive, the version is."""
    bucket.put_adder("adder/1", 1)
    bucket.put_adder("adder/2", 2, external=True)
    weights_key = f"models/adder/2/{WEIGHTS_FILE}"
    weights = bucket.client.get_object(Bucket=bucket.name, Key=weights_key)["Body"].read()
    bucket.delete(weights_key)
    assert (1, 1) == service.add("adder")
    with pytest.raises(ModelUnavailable, match="model 'adder' version 2 cannot be loaded"):
        service.add("adder", 2)
    bucket.put(weights_key, weights)
    service.clock.advance(REFRESH)
    assert (2, 2) == service.add("adder")


def test_corrupt_model_fails_alone(bucket: ModelBucket, service: Service) -> None:
    """A file that is no model is an error of its model, with a reason in the index; others are served."""
    bucket.put("models/broken/1/model.onnx", b"this is not a model")
    bucket.put_adder("adder/1", 1)
    with pytest.raises(ModelUnavailable, match="model 'broken' version 1 cannot be loaded"):
        service.add("broken")
    assert (1, 1) == service.add("adder")
    states = {entry.name: (entry.state, bool(entry.reason)) for entry in service.store.index()}
    assert {"adder": ("READY", False), "broken": ("UNAVAILABLE", True)} == states


def test_disk_makes_room(bucket: ModelBucket, service: Service) -> None:
    """Before the disk is full, the least recently used model leaves it; asked for, it comes again."""
    for number, name in enumerate(["a", "b", "c"]):
        bucket.put_adder(f"{name}/1", number)
        bucket.put(f"models/{name}/1/notes.bin", bytes(MB))
    service.room = 5 * MB // 2
    assert [(1, 0), (1, 1)] == [service.add("a"), service.add("b")]
    assert ["a-1", "b-1"] == service.copies
    assert [(1, 0), (1, 2)] == [service.add("a"), service.add("c")]
    assert ["a-1", "c-1"] == service.copies
    assert (1, 1) == service.add("b")
    assert ["b-1", "c-1"] == service.copies


def test_model_larger_than_the_disk(bucket: ModelBucket, service: Service) -> None:
    """A model that cannot fit is refused without a download, with what would help."""
    bucket.put_adder("adder/1", 1)
    bucket.put("models/adder/1/notes.bin", bytes(3 * MB))
    service.room = 2 * MB
    with pytest.raises(ModelUnavailable, match=r"needs 3\.0 MB .* room for 2\.0 MB; .* EphemeralStorage"):
        service.add("adder")
    assert 0 == service.reader.count("GetObject")


@pytest.mark.parametrize("repository", ["/nowhere", "/nowhere,s3://triptych-models/models"])
def test_boto3_is_not_imported(bucket: ModelBucket, repository: str) -> None:
    """It takes longer than all else: neither models in directories nor those in a bucket need it."""
    program = (
        "import sys; from pathlib import Path\n"
        "from triptych.deployment import Deployment\n"
        "from triptych.settings import from_environment\n"
        f"deployment = Deployment(from_environment({{'MODEL_REPOSITORY': {repository!r}}}))\n"
        "deployment.realtime(Path('api'))\n"
        "print(deployment.repository.names())\n"
        "print([name for name in ('boto3', 'botocore', 's3transfer') if name in sys.modules])"
    )
    bucket.put("models/adder/1/model.onnx", b"graph")
    result = subprocess.run(  # noqa: S603 - runs only the lines above
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert f"{['adder'] if 's3' in repository else []}\n[]\n" == result.stdout


def test_rollback_by_deleting_the_newest_version(bucket: ModelBucket, service: Service) -> None:
    """Without its `model.onnx` a version is gone: once the listing is old, the one before answers."""
    bucket.put_adder("adder/1", 1)
    bucket.put_adder("adder/2", 2)
    assert (2, 2) == service.add("adder")
    bucket.delete("models/adder/2/model.onnx")
    assert (2, 2) == service.add("adder")
    service.clock.advance(REFRESH)
    assert (1, 1) == service.add("adder")
    with pytest.raises(NotFound, match="unknown version 2 of model 'adder', which has 1"):
        service.add("adder", 2)


def test_a_broken_overwrite_takes_the_version_away(bucket: ModelBucket, service: Service) -> None:
    """What a version was before is not kept: the version before answers, and the index says why."""
    bucket.put_adder("adder/1", 1)
    bucket.put_adder("adder/2", 2)
    assert (2, 2) == service.add("adder")
    bucket.put("models/adder/2/model.onnx", b"half a mod")
    service.clock.advance(REFRESH)
    assert (1, 1) == service.add("adder")
    newest = service.store.index()[0]
    assert (2, "UNAVAILABLE") == (newest.version, newest.state)
    assert "the model cannot be opened" in newest.reason


def test_an_overwrite_of_two_files_may_be_seen_half_done(bucket: ModelBucket, service: Service) -> None:
    """New weights under an old graph open without an error: versions of several files are not overwritten."""
    bucket.put_adder("adder/1", 1, external=True)
    assert (1, 1) == service.add("adder")
    bucket.put_adder("other/1", 5, external=True)
    weights = bucket.client.get_object(Bucket=bucket.name, Key=f"models/other/1/{WEIGHTS_FILE}")["Body"]
    bucket.put(f"models/adder/1/{WEIGHTS_FILE}", weights.read())
    service.clock.advance(REFRESH)
    assert (1, 5) == service.add("adder")


def test_settings_count_for_all_versions(bucket: ModelBucket, service: Service) -> None:
    """`model.toml` lies beside the versions: one that fits the newest only keeps the others from opening."""
    bucket.put_adder("adder/1", 1)
    bucket.put("models/adder/model.toml", b"[labels]\ny = ['a', 'b']")
    with pytest.raises(ModelUnavailable, match="gives 'y' 2 names"):
        service.add("adder", 1)
    bucket.delete("models/adder/model.toml")
    service.clock.advance(REFRESH)
    assert (1, 1) == service.add("adder", 1)


def test_the_layer_wins(bucket: ModelBucket, service: Service, tmp_path: Path) -> None:
    """The same version in layer and bucket is the layer's; the index says that the bucket has one too."""
    write_adder(tmp_path / "layer/adder/1", 1)
    bucket.put_adder("adder/1", 5)
    bucket.put_adder("adder/2", 2)
    both = Service(tmp_path / "cache", Clock(), service.reader, layer=tmp_path / "layer")
    assert [(2, 2), (1, 1)] == [both.add("adder"), both.add("adder", 1)]
    newest, oldest = both.store.index()
    assert (("bucket", ()), ("directory", ("bucket",))) == (newest[5:7], oldest[5:7])


def test_a_slow_download_is_gone_on_with(bucket: ModelBucket, service: Service) -> None:
    """What does not arrive in the time of a request arrives in that of a later one, downloaded once."""
    bucket.put_adder("adder/1", 1.5, external=True)
    arrived = threading.Event()

    def slow(request: Request) -> None:
        if request.key.endswith(WEIGHTS_FILE):
            assert arrived.wait(30)

    bucket.server.before = slow
    for _ in range(2):
        with pytest.raises(ModelLoading, match=r"'adder' version 1 .* is being loaded"):
            service.store.get("adder", None, Deadline.after(0))
    arrived.set()
    assert 1 == service.store.get("adder", None, Deadline.after(30)).version
    assert (1, 1.5) == service.add("adder")
    assert 2 == service.reader.count("GetObject")


DOUBLES = b"def postprocess(outputs, rows):\n    return {'y': 2 * outputs['y']}\n"


def test_code_in_a_bucket_is_not_run(
    bucket: ModelBucket, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """Who may write to a bucket cannot run code: it is not even downloaded, and log and index say so."""
    bucket.put_adder("adder/1", 1.5)
    for key in ("models/adder/model.py", "models/adder/1/model.py"):
        bucket.put(key, b"raise SystemExit")
    assert (1, 1.5) == service.add("adder")
    assert [] == list(service.cache.rglob("*.py"))
    (entry,) = service.store.index()
    reason = "the model.py in the bucket is not run: deploy it in the layer of models, without the weights"
    assert ("READY", reason) == (entry.state, entry.reason)
    assert f"model adder version 1: {reason}" in caplog.messages


def test_code_of_the_layer_for_a_bucket(bucket: ModelBucket, tmp_path: Path) -> None:
    """Code that was deployed, without weights, runs around the versions in the bucket."""
    layer = tmp_path / "layer"
    (layer / "adder").mkdir(parents=True)
    (layer / "adder/model.py").write_bytes(DOUBLES)
    bucket.put_adder("adder/1", 1.5)
    service = Service(tmp_path / "cache", Clock(), RecordedBucket(bucket), layer=layer)
    assert (1, 3.0) == service.add("adder")
