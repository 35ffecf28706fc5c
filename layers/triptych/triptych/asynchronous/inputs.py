"""Getting the input of a job, from its message or from where it is kept."""

from __future__ import annotations

from typing import NamedTuple

from triptych.asynchronous.attempts import Attempt
from triptych.errors import BadRequest
from triptych.interfaces.payloads import InputStore, StoredInput
from triptych.jobs.job import JobRequest

MAX_IN_MEMORY = 5 * 2**20
"""Bytes of an input that is read into memory beside others: more than HTTP takes. Larger ones go by file."""


class Input(NamedTuple):
    """The input of a job.

    Attributes:
        request: How it is to be read.
        body: Its bytes; None when it is large.
        stored: Where it is kept; None when it came in the message.
    """

    request: JobRequest
    body: bytes | None
    stored: StoredInput | None = None


def input_of(attempt: Attempt, inputs: InputStore) -> Input:
    """Gets an input.

    Raises:
        BadRequest: There is none, or it may not be read.
        PayloadTooLarge: It is larger than a job takes.
        ServiceUnavailable: It cannot be read now.
    """
    job, body = attempt.job, attempt.arrival.body
    if attempt.arrival.error:
        raise attempt.arrival.error
    if job.input is None:
        if body is None:
            raise BadRequest("the message holds no input, and none is kept; submit the job again")
        return Input(job.request, body)
    stored = inputs.fetch(job.input, MAX_IN_MEMORY)
    if stored.content_encoding or job.request.content_encoding:
        stored = stored._replace(body=None)  # nobody knows how large it becomes
    request = job.request._replace(
        content_type=job.request.content_type or stored.content_type,
        content_encoding=job.request.content_encoding or stored.content_encoding,
    )
    return Input(request, stored.body, stored)
