"""Results of jobs: small ones in the records of their jobs, the others in S3.

Each object is written once, whoever writes it first.
"""

from __future__ import annotations

from pathlib import Path

from triptych.aws.bucket import Bucket
from triptych.aws.clients import AwsClients
from triptych.aws.failures import Failures, errors_for
from triptych.aws.objects import StoredObject
from triptych.errors import Conflict, NotFound, ServiceUnavailable
from triptych.jobs.job import Job, JobResult

URL_SECONDS = 3600
_UNREACHABLE = "the store of results cannot be reached"
_OTHERS = "others write the same result"
_TAKEN = {"PreconditionFailed", "412"}
_UNDECIDED = {"ConditionalRequestConflict", "409", "NoSuchUpload"}  # somebody else is about to write it
_TRIES = 3
_VERSION, _HEADER_LENGTH, _FILLED = "model-version", "inference-header-content-length", "filled-cells"


class ResultStore:
    """Stores results, one for each job and the times that it was redriven.

    One of at most `inline` bytes is part of the record of its job. Every method raises `ServiceUnavailable`
    when S3 cannot be reached.
    """

    def __init__(self, clients: AwsClients, bucket: str, inline: int = 0) -> None:
        self._inline = inline
        failures = Failures(_UNREACHABLE, known=errors_for(_TAKEN | _UNDECIDED, Conflict, _OTHERS))
        self._bucket = Bucket(clients, bucket, failures)

    def put(self, job: Job, body: bytes | Path, described: JobResult) -> JobResult:
        """Stores the result of a job, unless it has one already; a small one is stored with the record.

        Of the description, `location`, `size` and `body` do not count.

        Returns:
            What the record of the job is to hold: a small result, or the first one in S3, whoever wrote it.

        Raises:
            ServiceUnavailable: S3 cannot be reached, or does not decide whose result is the first.
        """
        key = _key(job)
        size = body.stat().st_size if isinstance(body, Path) else len(body)
        if self._inline and size <= self._inline:
            content = body.read_bytes() if isinstance(body, Path) else body
            return described._replace(location=None, size=size, body=content)
        mine = described._replace(location=self._location(key), size=size)
        for _ in range(_TRIES):
            if self._bucket.put(key, body, mine.content_type, once=True, metadata=_metadata(mine)):
                return mine
            if first := self._bucket.find(key):
                return _result(self._location(key), first)
        raise ServiceUnavailable(f"{_UNREACHABLE}: {_OTHERS}")

    def read(self, result: JobResult) -> bytes:
        """Reads a result.

        Raises:
            NotFound: It was deleted since the job ended.
        """
        content = self._bucket.get(self._key_of(result)) if result.body is None else result.body
        if content is None:
            raise NotFound("the result was deleted, as results are some time after the job")
        return content

    def url(self, result: JobResult) -> str:
        """Signs a URL that returns the result to anybody who has it.

        It works for an hour, or until the credentials of the function end, which may be earlier.
        """
        return self._bucket.url(self._key_of(result), result.content_type, URL_SECONDS)

    def delete(self, job: Job) -> None:
        """Deletes the result of a job, if there is one."""
        self._bucket.delete(_key(job))

    def _location(self, key: str) -> str:
        return f"s3://{self._bucket.name}/{key}"

    def _key_of(self, result: JobResult) -> str:
        return (result.location or "").removeprefix(self._location(""))


def _key(job: Job) -> str:
    return f"results/{job.id}/{job.redrives}"


def _metadata(result: JobResult) -> dict[str, str]:
    metadata = {_VERSION: str(result.version)}
    if result.header_length is not None:
        metadata[_HEADER_LENGTH] = str(result.header_length)
    if result.filled:
        metadata[_FILLED] = str(result.filled)
    return metadata


def _result(location: str, found: StoredObject) -> JobResult:
    length = found.metadata.get(_HEADER_LENGTH)
    return JobResult(
        location=location,
        content_type=found.content_type or "",
        header_length=None if length is None else int(length),
        size=found.size,
        version=int(found.metadata[_VERSION]),
        filled=int(found.metadata.get(_FILLED, "0")),
    )
