"""From the input of a job to a request that can be run, as the HTTP endpoints make it."""

from __future__ import annotations

from triptych.errors import BadRequest
from triptych.jobs.job import JobRequest
from triptych.jobs.submission import is_rows
from triptych.protocol.compression import decompress
from triptych.protocol.infer_request import parse_infer_request
from triptych.serving.inference import prepare_infer
from triptych.serving.model import Model
from triptych.serving.prepared import Prepared
from triptych.serving.raw_request import raw_request
from triptych.serving.rows import RowsRequest, prepare_rows


def prepare(model: Model, request: JobRequest, body: bytes) -> Prepared:
    """Decodes and checks the input of a job.

    Args:
        model: The model that it is for.
        request: How it is to be read.
        body: The input, compressed as it came.

    Raises:
        TriptychError: It is not what the model takes, as real time says it.
    """
    plain = decompress(body, request.content_encoding)
    if is_rows(request, plain):
        wanted = (request.accept, request.join, request.outputs, request.delimiter)
        return prepare_rows(model, RowsRequest(plain, request.content_type, *wanted))
    length = request.header_length
    if length is not None and length > len(plain):
        raise BadRequest(f"the JSON header is said to have {length} bytes, but the input has {len(plain)}")
    message = raw_request(plain, model.signature) if length == 0 else parse_infer_request(plain, length)
    return prepare_infer(model, message)
