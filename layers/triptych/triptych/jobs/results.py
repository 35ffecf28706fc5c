"""Results of jobs in S3: each is written once, whoever writes it first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from triptych.aws.clients import AWS_FAILURES, AwsClients, error_code, reaching
from triptych.aws.transfer import PART, upload_once
from triptych.errors import NotFound, ServiceUnavailable
from triptych.jobs.job import Job, JobResult

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

STORE = "the store of results"
URL_SECONDS = 3600
_TRIES = 3
_TAKEN = {"PreconditionFailed", "412"}
_UNDECIDED = {"ConditionalRequestConflict", "409", "NoSuchUpload"}  # somebody else is about to write it
_VERSION, _HEADER_LENGTH, _FILLED = "model-version", "inference-header-content-length", "filled-cells"


class S3Results:
    """Keeps results, one for each job and the times that it was redriven.

    Args:
        clients: Calls AWS.
        bucket: Name of the bucket.
    """

    def __init__(self, clients: AwsClients, bucket: str) -> None:
        self._clients = clients
        self._bucket = bucket

    def put(self, job: Job, body: bytes | Path, described: JobResult) -> JobResult:
        """Keeps the result of a job, unless there is one already.

        Args:
            job: The job.
            body: The result, or the file that holds it.
            described: What it is; `location` and `size` do not count.

        Returns:
            What is kept: the first result of the job, whoever wrote it.

        Raises:
            ServiceUnavailable: S3 cannot be reached, or does not decide whose result is the first.
        """
        key = _key(job)
        size = body.stat().st_size if isinstance(body, Path) else len(body)
        mine = described._replace(location=f"s3://{self._bucket}/{key}", size=size)
        with reaching(STORE):
            for _ in range(_TRIES):
                if self._written(key, body, mine):
                    return mine
                if first := self._kept(key):
                    return first
        raise ServiceUnavailable(f"{STORE} cannot be reached: others write the same result")

    def read(self, result: JobResult) -> bytes:
        """Reads a result.

        Raises:
            NotFound: It was deleted since the job ended.
            ServiceUnavailable: S3 cannot be reached.
        """
        with reaching(STORE):
            try:
                found = self._clients.s3.get_object(Bucket=self._bucket, Key=self._key_of(result))
                return found["Body"].read()
            except self._clients.s3.exceptions.NoSuchKey:
                raise NotFound("the result was deleted, as results are some time after the job") from None

    def url(self, result: JobResult) -> str:
        """Makes a URL that gives the result to anybody who has it.

        It works for an hour, or until the credentials of the function end, which may be earlier.

        Raises:
            ServiceUnavailable: The function has no credentials to sign with.
        """
        wanted = {"Key": self._key_of(result), "ResponseContentType": result.content_type}
        with reaching(STORE):
            return self._clients.presigner.generate_presigned_url(
                "get_object", {"Bucket": self._bucket, **wanted}, URL_SECONDS
            )

    def delete(self, job: Job) -> None:
        """Deletes the result of a job, if there is one.

        Raises:
            ServiceUnavailable: S3 cannot be reached.
        """
        with reaching(STORE):
            self._clients.s3.delete_object(Bucket=self._bucket, Key=_key(job))

    def _written(self, key: str, body: bytes | Path, result: JobResult) -> bool:
        described = _described(result)
        try:
            if isinstance(body, Path) and result.size > PART:
                upload_once(self._clients.s3, self._bucket, key, body, **described)
            else:
                content = body.read_bytes() if isinstance(body, Path) else body
                self._clients.s3.put_object(
                    Bucket=self._bucket, Key=key, Body=content, IfNoneMatch="*", **described
                )
        except AWS_FAILURES as error:
            if error_code(error) not in _TAKEN | _UNDECIDED:
                raise
            return False
        return True

    def _kept(self, key: str) -> JobResult | None:
        try:
            found = self._clients.s3.head_object(Bucket=self._bucket, Key=key)
        except AWS_FAILURES as error:
            if error_code(error) != "404":
                raise
            return None
        return _result(f"s3://{self._bucket}/{key}", found)

    def _key_of(self, result: JobResult) -> str:
        return result.location.removeprefix(f"s3://{self._bucket}/")


def _key(job: Job) -> str:
    return f"results/{job.id}/{job.redrives}"


def _described(result: JobResult) -> dict[str, Any]:
    metadata = {_VERSION: str(result.version)}
    if result.header_length is not None:
        metadata[_HEADER_LENGTH] = str(result.header_length)
    if result.filled:
        metadata[_FILLED] = str(result.filled)
    return {"ContentType": result.content_type, "Metadata": metadata}


def _result(location: str, found: HeadObjectOutputTypeDef) -> JobResult:
    metadata = found["Metadata"]
    length = metadata.get(_HEADER_LENGTH)
    return JobResult(
        location=location,
        content_type=found["ContentType"],
        header_length=None if length is None else int(length),
        size=found["ContentLength"],
        version=int(metadata[_VERSION]),
        filled=int(metadata.get(_FILLED, "0")),
    )
