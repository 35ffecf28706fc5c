"""Models: metadata, readiness, configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from triptych.errors import ModelUnavailable, NotSupported
from triptych.http.model_of import model_of
from triptych.http.request import Request
from triptych.http.response import Response, json_response
from triptych.http.services import Services
from triptych.models.model import Model
from triptych.protocol.names import model_name
from triptych.protocol.tensors import TensorSpec

PLATFORM = "onnxruntime_onnx"


def metadata(services: Services, request: Request) -> Response:
    """Tells the versions, inputs and outputs of a model."""
    model = model_of(services, request)
    described = {"description": model.config.description} if model.config.description else {}
    return json_response(
        {
            "name": model.name,
            "versions": [str(version) for version in sorted(services.store.versions(model.name))],
            "platform": PLATFORM,
            "inputs": [_tensor(spec) for spec in model.signature.inputs],
            "outputs": [_output(model, spec) for spec in model.signature.outputs],
            **({"parameters": described} if described else {}),
        }
    )


def ready(services: Services, request: Request) -> Response:
    """Tells whether a model can be run; opens it to find out.

    Raises:
        ModelUnavailable: It cannot; the message says why.
    """
    try:
        model_of(services, request)
    except NotSupported as error:
        raise ModelUnavailable(str(error)) from error
    return json_response({"name": model_name(request.path["model"]), "ready": True})


def config(services: Services, request: Request) -> Response:
    """Tells a model's configuration in Triton's terms."""
    model = model_of(services, request)
    return json_response(
        {
            "name": model.name,
            "platform": PLATFORM,
            "backend": "onnxruntime",
            "version_policy": {"all": {}},
            "max_batch_size": 0,  # shapes include the batch dimension, as the model has it
            "input": _configured(model.signature.inputs),
            "output": _configured(model.signature.outputs),
            "parameters": {},
        }
    )


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "datatype": spec.datatype.name, "shape": spec.shape or ()}


def _output(model: Model, spec: TensorSpec) -> dict[str, Any]:
    labels = model.config.labels.get(spec.name)
    return {**_tensor(spec), "parameters": {"labels": labels}} if labels else _tensor(spec)


def _configured(specs: Sequence[TensorSpec]) -> list[dict[str, Any]]:
    return [
        {"name": spec.name, "data_type": spec.datatype.config, "dims": spec.shape or ()} for spec in specs
    ]
