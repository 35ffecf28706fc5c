"""Functions inside this process: API Gateway events in, answers out."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from triptych.deployment import Deployment
from triptych.http.application import Application
from triptych.http.models import InferenceServices
from triptych.settings import Settings, TelemetrySettings

DOCUMENTS = Path(__file__).parents[2] / "functions/realtime/api"
REQUEST_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Invocation:
    """A Lambda context.

    Attributes:
        milliseconds: Time until the function is stopped.
        aws_request_id: Id of the invocation.
    """

    milliseconds: int = 28_000
    aws_request_id: str = REQUEST_ID

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return self.milliseconds


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP client receives.

    Attributes:
        status: HTTP status code.
        headers: Headers as the function names them.
        body: The body, as it travels.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - whatever the answer holds
        """Reads the body as strict JSON."""
        return json.loads(self.body, parse_constant=_refuse_constant)

    @property
    def error(self) -> str:
        """The message of a failure; there is nothing else in its answer."""
        message = self.json()
        assert {"error"} == message.keys()
        assert isinstance(message["error"], str)
        return message["error"]


def told(answer: Answer, resource: str) -> str:
    """Returns the message of a failure, in the form that a route has for it."""
    message = answer.json()
    if resource.startswith("/openai/"):
        assert ["error"] == list(message)
        assert ["message", "type", "param", "code"] == list(message["error"])
        return str(message["error"]["message"])
    if resource == "/v1/rerank":
        assert ["message", "detail"] == list(message)
        assert message["message"] == message["detail"]
        return str(message["detail"])
    return answer.error


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request that API Gateway has matched to a route.

    Attributes:
        method: HTTP method.
        resource: Path with its parameters unfilled, such as `/v2/models/{model}`.
        path: Values of those parameters.
        headers: Headers by name.
        query: Query parameters.
        body: The body as it travels.
    """

    method: str
    resource: str
    path: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    def event(self) -> dict[str, Any]:
        """Makes the event of the REST proxy integration, which has null where there is nothing."""
        return {
            "resource": self.resource,
            "path": self.resource.replace("+}", "}").format(**self.path),
            "httpMethod": self.method,
            "headers": dict(self.headers) or None,
            "queryStringParameters": dict(self.query) or None,
            "pathParameters": dict(self.path) or None,
            "requestContext": {"requestId": REQUEST_ID, "resourcePath": self.resource, "stage": "api"},
            "body": base64.b64encode(self.body).decode("ascii") if self.body else None,
            "isBase64Encoded": bool(self.body),
        }


class Function[S]:
    """A function behind API Gateway, in this process.

    Args:
        application: What answers its events.
    """

    def __init__(self, application: Application[S]) -> None:
        self._application = application

    def handle(self, event: Mapping[str, Any], milliseconds: int = 28_000) -> Answer:
        """Passes an event to the function, which has that much time left."""
        result = self._application(event, Invocation(milliseconds))
        assert {"statusCode", "headers", "body", "isBase64Encoded"} == result.keys()
        body = result["body"]
        content = base64.b64decode(body, validate=True) if result["isBase64Encoded"] else body.encode()
        return Answer(result["statusCode"], result["headers"], content)

    def get(self, resource: str, **path: str) -> Answer:
        """Calls a resource with GET."""
        return self.handle(Call("GET", resource, path).event())

    def predictions(self, model: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Sends rows as JSON, and returns those that are predicted."""
        body, headers = json.dumps({"instances": rows}).encode(), {"content-type": "application/json"}
        answer = self.post("/v2/models/{model}/predict", body, headers, model=model)
        assert 200 == answer.status, answer.body
        predictions: list[dict[str, Any]] = answer.json()["predictions"]
        return predictions

    def post(
        self, resource: str, body: bytes = b"", headers: Mapping[str, str] | None = None, **path: str
    ) -> Answer:
        """Calls a resource with POST."""
        return self.handle(Call("POST", resource, path, headers or {}, body=body).event())


class RealtimeFunction(Function[InferenceServices]):
    """The function over directories of models, wired as it is in Lambda.

    Args:
        models: The storage backends of the model repository.
    """

    def __init__(self, *models: Path) -> None:
        settings = Settings(
            storages=tuple(map(str, models)),
            refresh_seconds=3600,
            preload=(),
            memory_megabytes=1769,
            cache=models[0],  # for models from S3, of which there are none
            telemetry=TelemetrySettings("realtime", "Triptych", "INFO"),
        )
        super().__init__(Deployment(settings).realtime(DOCUMENTS))


def add_model(models: Path, name: str, content: bytes, version: int = 1) -> None:
    """Puts a model into a repository.

    Args:
        models: The repository.
        name: Name of the model.
        content: Content of the `.onnx` file.
        version: Number of the version.
    """
    directory = models / name / str(version)
    directory.mkdir(parents=True)
    (directory / "model.onnx").write_bytes(content)


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")
