"""FastAPI with pydantic, behind Mangum where it answers events: one tensor in, one out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
from fastapi import FastAPI, Header, Request, Response
from pydantic import BaseModel

from benchmarks.contestants.handler import session


class Tensor(BaseModel):
    """A tensor of floats."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float]


class InferRequest(BaseModel):
    """What is asked."""

    inputs: list[Tensor]


class InferResponse(BaseModel):
    """What is answered."""

    outputs: list[Tensor]


def application(model: Path, *, in_threads: bool = False) -> FastAPI:
    """Makes the application.

    Args:
        model: The `.onnx` file.
        in_threads: Whether requests are answered by `def`, which FastAPI calls in a thread, as its
            documentation has it for what blocks; else by `async def`, which is faster for one at a time.
    """
    run = session(model).run
    application = FastAPI()

    def infer(name: str, request: InferRequest) -> InferResponse:  # noqa: ARG001 - the path has it
        (sent,) = request.inputs
        (found,) = run(None, {"x": np.array(sent.data, np.float32).reshape(sent.shape)})
        output = Tensor(name="y", datatype="FP32", shape=list(found.shape), data=found.ravel().tolist())
        return InferResponse(outputs=[output])

    async def infer_at_once(name: str, request: InferRequest) -> InferResponse:
        return infer(name, request)

    application.post("/v2/models/{name}/infer")(infer if in_threads else infer_at_once)
    return application


def binary_application(model: Path) -> FastAPI:
    """Makes the application for tensors that travel as bytes.

    Args:
        model: The `.onnx` file.
    """
    run = session(model).run
    application = FastAPI()

    @application.post("/v2/models/{name}/infer")
    async def infer(
        name: str,  # noqa: ARG001 - the path has it
        request: Request,
        inference_header_content_length: Annotated[int, Header()],
    ) -> Response:
        body = await request.body()
        head, raw = body[:inference_header_content_length], body[inference_header_content_length:]
        shape = json.loads(head)["inputs"][0]["shape"]
        (found,) = run(None, {"x": np.frombuffer(raw, np.float32).reshape(shape)})
        return Response(found.tobytes(), media_type="application/octet-stream")

    return application
