"""Models: metadata, readiness, configuration, statistics, the index of the repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from triptych.errors import BadField, ModelUnavailable, NotSupported
from triptych.http.request import Request
from triptych.http.response import Response, json_response
from triptych.models.model import Model
from triptych.models.repository import ModelRepository
from triptych.models.statistics import Statistics
from triptych.models.store import IndexEntry, ModelStore
from triptych.protocol.json_document import flag, json_type, parse_object
from triptych.protocol.names import model_name, version_number
from triptych.protocol.tensors import TensorSpec

PLATFORM = "onnxruntime_onnx"


class InferenceServices(NamedTuple):
    """What the endpoints of real-time inference work with.

    Attributes:
        repository: Knows which models there are.
        store: Returns open models.
        statistics: Counts what they do.
        documents: Directory that holds `openapi.json` and `docs.html`.
    """

    repository: ModelRepository
    store: ModelStore
    statistics: Statistics
    documents: Path


def model_of(services: InferenceServices, request: Request) -> Model:
    """Returns the open model that the path names, as `open_model` does."""
    return open_model(services, request, request.path["model"], request.version())


def model_in(services: InferenceServices, request: Request, message: Mapping[str, Any]) -> Model:
    """Returns the open model that a message names, as `name` or `name:version`, as `open_model` does."""
    value = message.get("model")
    if not isinstance(value, str) or not value:
        raise BadField("model", f"expected the name of a model, or name:version, got {json_type(value)}")
    name, colon, version = value.partition(":")
    return open_model(services, request, name, version_number(version) if colon else None)


def open_model(services: InferenceServices, request: Request, name: str, version: int | None) -> Model:
    """Returns an open model, and notes it for logs and metrics.

    Raises:
        BadRequest: The version is not a number.
        NotFound: There is no such model or version.
        ModelLoading: It is being opened, for longer than the request has time.
        ModelUnavailable: It cannot be opened.
        NotSupported: It uses types that the protocol cannot carry.
        RepositoryUnavailable: The repository cannot be read now.
    """
    model = services.store.get(name, version, request.deadline)
    request.record.model = model.name
    request.record.version = model.version
    return model


def metadata(services: InferenceServices, request: Request) -> Response:
    """Returns the versions, inputs and outputs of a model."""
    model = model_of(services, request)
    known = {"description": model.config.description, "task": model.signature.task}
    described = {name: value for name, value in known.items() if value}
    return json_response(
        {
            "name": model.name,
            "versions": [str(version) for version in sorted(services.store.versions(model.name))],
            "platform": PLATFORM,
            "inputs": [_tensor(spec) for spec in model.signature.inputs],
            "outputs": [
                _tensor(spec, model.config.labels.get(spec.name, ())) for spec in model.signature.outputs
            ],
            **({"parameters": described} if described else {}),
        }
    )


def ready(services: InferenceServices, request: Request) -> Response:
    """Answers when a model can be run; opens it to find out.

    Raises:
        ModelUnavailable: It cannot; the message says why.
    """
    try:
        model_of(services, request)
    except NotSupported as error:
        raise ModelUnavailable(str(error)) from error
    return json_response({"name": model_name(request.path["model"]), "ready": True})


def config(services: InferenceServices, request: Request) -> Response:
    """Returns a model's configuration in Triton's terms."""
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


def statistics(services: InferenceServices, request: Request) -> Response:
    """Returns what a model's versions have done in this execution environment.

    Raises:
        NotFound: There is no such model or version.
    """
    name, version = request.path["model"], request.version()
    candidates = services.repository.listing(name).candidates(version)
    return _statistics(services, [(name, candidate.stored.version) for candidate in candidates])


def all_statistics(services: InferenceServices, _request: Request) -> Response:
    """Returns what every model version that was run in this execution environment has done."""
    return _statistics(services, services.statistics.versions())


def index(services: InferenceServices, request: Request) -> Response:
    """Lists every version of every model with its state; `{"ready": true}` lists the ready ones only."""
    body = request.decompressed_body()
    only_ready = bool(body) and flag(parse_object(body), "ready", "the request")
    entries = services.store.index()
    return json_response([_indexed(entry) for entry in entries if entry.state == "READY" or not only_ready])


def _tensor(spec: TensorSpec, labels: Sequence[str] = ()) -> dict[str, Any]:
    described = {"name": spec.name, "datatype": spec.datatype.name, "shape": spec.shape or ()}
    parameters = {"labels": labels, "optional": spec.optional, "json": spec.json, "image": spec.image}
    given = {name: value for name, value in parameters.items() if value}
    return {**described, "parameters": given} if given else described


def _configured(specs: Sequence[TensorSpec]) -> list[dict[str, Any]]:
    return [
        {
            "name": spec.name,
            "data_type": spec.datatype.config,
            "dims": spec.shape or (),
            **({"optional": True} if spec.optional else {}),
        }
        for spec in specs
    ]


def _statistics(services: InferenceServices, versions: Iterable[tuple[str, int]]) -> Response:
    return json_response(
        {
            "model_stats": [
                {
                    "name": name,
                    "version": str(version),
                    **services.statistics.of_version(name, version).as_json(),
                }
                for name, version in versions
            ]
        }
    )


def _indexed(entry: IndexEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "version": "" if entry.version is None else str(entry.version),
        "state": entry.state,
        "reason": entry.reason,
        "description": entry.description,
        "task": entry.task,
        "storage": entry.storage or "",
        "hidden": entry.hidden,
    }
