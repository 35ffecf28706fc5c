"""The clients of AWS that a layer makes, whose tables hold less than botocore ships."""

import shutil
import subprocess
import sys
from pathlib import Path

import botocore
import pytest
from botocore.loaders import Loader
from botocore.session import Session

DATA = Path(botocore.__file__).parent / "data"
SCRIPT = Path(__file__).parents[2] / "layers/onnxruntime/slim_botocore.py"
SERVICES = ("sqs", "stepfunctions", "events")


@pytest.fixture(scope="module")
def slim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Botocore's data as the layer has it; of four services three are kept."""
    data = tmp_path_factory.mktemp("botocore")
    for path in DATA.glob("*.json"):
        shutil.copy(path, data)
    for service in (*SERVICES, "sns"):
        shutil.copytree(DATA / service, data / service)
    subprocess.run([sys.executable, SCRIPT, data, *SERVICES], check=True)  # noqa: S603 - our own script
    return data


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1", "us-gov-west-1"])
def test_clients_are_the_same(slim: Path, service: str, region: str) -> None:
    """The same operations, with the same parameters, at the same address."""
    whole, small = Session(), Session()
    small.register_component("data_loader", Loader([str(slim)], include_default_search_paths=False))
    one, other = (session.create_client(service, region) for session in (whole, small))
    assert one.meta.endpoint_url == other.meta.endpoint_url
    models = one.meta.service_model, other.meta.service_model
    assert models[0].operation_names == models[1].operation_names
    assert models[0].client_context_parameters == models[1].client_context_parameters
    for name in models[0].operation_names:
        shapes = [model.operation_model(name).input_shape for model in models]
        assert repr(shapes[0] and shapes[0].members) == repr(shapes[1] and shapes[1].members)


def test_what_is_not_called_is_left_out(slim: Path) -> None:
    """Other services, their endpoints, and documentation."""
    assert {*SERVICES} == {path.name for path in slim.iterdir() if path.is_dir()}
    assert not [*slim.rglob("*.gz"), *slim.rglob("examples*")]
    assert sum(path.stat().st_size for path in slim.rglob("*.json")) < 300_000
