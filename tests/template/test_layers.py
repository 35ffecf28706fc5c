"""The built layers: small enough, compiled ahead of time, and complete without what this project installs."""

import shutil
import subprocess
import sys
import tomllib
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from local.build import BUILD, ROOT, ensure_built

MEGABYTE = 1_000_000
LIMIT = 250 * MEGABYTE  # Lambda's, for the function and its layers, unzipped
BUDGET = 175 * MEGABYTE  # of all layers; 171 when it was set, upgrades may take the rest
LAYERS = ("OnnxRuntimeLayer", "TriptychLayer", "ModelsLayer")
UNCHECKED_HASH = b"\x01\x00\x00\x00"  # the flags of a .pyc that is never compared with its source
LINUX_PROCESSORS = ("x86_64", "aarch64")

# Everything that functions import, and a client of every service whose description was kept.
IMPORTS = """
import arro3.core, arro3.io, botocore.session, obstore, onnxruntime, orjson, pybase64, sys, tokenizers
from aws_lambda_powertools import Logger, Metrics
from backports import zstd
import triptych.deployment
onnxruntime.InferenceSession(sys.argv[1])
for service in ("s3", "sqs", "sns", "dynamodb", "stepfunctions", "events", "sts", "lambda"):
    botocore.session.Session().create_client(service, region_name="us-east-1")
"""


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    ensure_built()


def test_the_layers_leave_room_for_models() -> None:
    """The layers stay within their budget, or a user's models no longer fit beside them."""
    assert sum(_size(BUILD / layer) for layer in LAYERS) < BUDGET


def test_everything_fits_into_lambda() -> None:
    """A function and its layers are smaller than what Lambda unpacks."""
    layers = ("OnnxRuntimeLayer", "TriptychLayer", "ModelsLayer", "RealtimeFunction")
    assert sum(_size(BUILD / layer) for layer in layers) < LIMIT


def test_a_front_has_no_weights() -> None:
    """The layers of a function that runs no models have everything but ONNX Runtime and weights."""
    libraries, wheels = BUILD / "LibrariesLayer" / "python", BUILD / "OnnxRuntimeLayer" / "python"
    missing = {path.name.split("-")[0] for path in wheels.iterdir()} - {
        path.name.split("-")[0] for path in libraries.iterdir()
    }
    assert {"onnxruntime"} == missing
    models, files = BUILD / "ModelsLayer" / "models", BUILD / "ModelFilesLayer" / "models"
    paths = {path.relative_to(models) for path in models.rglob("*") if path.is_file()}
    assert paths == {path.relative_to(files) for path in files.rglob("*") if path.is_file()}
    for path in paths:
        size = (files / path).stat().st_size
        assert size == (0 if path.suffix == ".onnx" else (models / path).stat().st_size)


def test_each_side_has_its_part(tmp_path: Path) -> None:
    """Own code and tokenizers are not in the layer of weights, nor weights in the other one."""
    folder = tmp_path / "layer"
    files = {
        "churn/1/model.onnx": 9,
        "churn/1/weights.bin": 17 << 20,
        "churn/1/a.onnx_data": 5,
    } | dict.fromkeys(
        ("churn/model.py", "churn/model.toml", "churn/1/tokenizer.json", "churn/1/vocabulary.txt"), 7
    )
    for name, size in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * size)
    shutil.copy(ROOT / "layers/models/Makefile", folder)
    assert {"churn/model.toml", "churn/1/model.onnx", "churn/1/weights.bin", "churn/1/a.onnx_data"} == _made(
        folder, "ModelWeightsLayer"
    )
    assert files.keys() - {"churn/1/weights.bin", "churn/1/a.onnx_data"} == _made(folder, "ModelFilesLayer")


def _made(folder: Path, layer: str) -> set[str]:
    target = folder.with_name(layer)
    command = ["make", "-C", str(folder), f"build-{layer}", f"ARTIFACTS_DIR={target}"]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - the project's own recipe
    return {str(path.relative_to(target / "models")) for path in target.rglob("*") if path.is_file()}


@pytest.mark.parametrize("layer", ["OnnxRuntimeLayer", "LibrariesLayer", "TriptychLayer"])
def test_every_module_is_compiled(layer: str) -> None:
    """Beside each module lies its compiled form, which is used whatever date the files have."""
    modules = list((BUILD / layer).rglob("*.py"))
    headers = {module: _compiled(module).read_bytes()[:8] for module in modules}
    assert modules
    assert [] == [module for module, header in headers.items() if header != MAGIC_NUMBER + UNCHECKED_HASH]


def test_the_layers_are_complete() -> None:
    """The layers alone hold all that the functions import and need to run a model."""
    model = ROOT / "layers" / "models" / "penguins" / "1" / "model.onnx"
    folders = [str(BUILD / layer / "python") for layer in ("OnnxRuntimeLayer", "TriptychLayer")]
    program = f"import sys; sys.path[:0] = {folders}\n{IMPORTS}"
    isolated = [sys.executable, "-I", "-S", "-c", program, str(model)]
    result = subprocess.run(isolated, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    assert (0, "") == (result.returncode, result.stderr)


def test_models_are_where_lambda_looks_for_them() -> None:
    """The layer of models holds every model of the repository and nothing else."""
    models = {folder.name for folder in (ROOT / "layers" / "models").iterdir() if folder.is_dir()}
    assert models == {folder.name for folder in (BUILD / "ModelsLayer" / "models").iterdir()}


def test_requirements_hold_the_wheels_of_both_processors() -> None:
    """Every package of the layer can be installed with its hash for both kinds of Lambda."""
    requirements = (ROOT / "layers" / "onnxruntime" / "requirements.txt").read_text()
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    locked = {package["name"]: package for package in packages}
    names = [line.split("==")[0] for line in requirements.splitlines() if "==" in line]
    assert "onnxruntime" in names
    for name in names:
        assert f"{name}=={locked[name]['version']} " in requirements
        for processor in LINUX_PROCESSORS:
            wheels = [wheel for wheel in locked[name]["wheels"] if _fits(wheel["url"], processor)]
            assert wheels, f"{name} has no wheel for {processor}"
            assert all(wheel["hash"] in requirements for wheel in wheels)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _compiled(module: Path) -> Path:
    return module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"


def _fits(url: str, processor: str) -> bool:
    python, _, platform = url.removesuffix(".whl").rsplit("-", 3)[1:]
    return ("cp313" in python or "abi3" in url or "py3" in python) and (
        platform == "any" or ("manylinux" in platform and processor in platform)
    )
