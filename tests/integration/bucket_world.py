"""Buckets of this process for batches, and the adapter over them."""

from pathlib import Path

from triptych.aws.bucket import Bucket
from triptych.aws.clients import AwsClients

INPUTS, WORK = "stack-batch-inputs", "stack-batch-work"
MIB = 2**20


def content(size: int) -> bytes:
    """Makes bytes in which no two stretches of 8 MiB are the same."""
    return b"".join(number.to_bytes(8) for number in range(-(-size // 8)))[:size]


class BucketWorld:
    """A bucket that keeps versions, and one that does not.

    Args:
        scratch: Directory of local copies.
    """

    def __init__(self, scratch: Path) -> None:
        self.aws = AwsClients()
        self.scratch = scratch
        for name in (INPUTS, WORK):
            self.aws.s3.create_bucket(Bucket=name)
        self.aws.s3.put_bucket_versioning(Bucket=INPUTS, VersioningConfiguration={"Status": "Enabled"})
        self.inputs = Bucket(self.aws, INPUTS, scratch=scratch, bulk=True)
        self.work = Bucket(self.aws, WORK, scratch=scratch, bulk=True)

    def uploads(self) -> list[str]:
        """Returns keys of uploads that were begun and neither completed nor aborted."""
        begun = self.aws.s3.list_multipart_uploads(Bucket=WORK).get("Uploads", [])
        return [upload.get("Key", "") for upload in begun]
