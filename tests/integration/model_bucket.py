"""A bucket that models are put into."""

from pathlib import Path
from typing import TYPE_CHECKING

from tests.integration.s3_server import S3Server
from tests.unit.fakes.graphs import write_adder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "triptych-models"


class ModelBucket:
    """A bucket that is used as people use it: files are put into it.

    Attributes:
        name: Its name.
        client: Calls it.
        server: Answers others that call it.
    """

    def __init__(self, client: "S3Client", scratch: Path, server: S3Server) -> None:
        self.name = BUCKET
        self.client = client
        self.server = server
        self._scratch = scratch
        client.create_bucket(Bucket=BUCKET)

    def put(self, key: str, content: bytes) -> None:
        """Puts an object."""
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def delete(self, key: str) -> None:
        """Deletes an object."""
        self.client.delete_object(Bucket=BUCKET, Key=key)

    def put_adder(self, version: str, addend: float, *, external: bool = False) -> None:
        """Puts a version of a model that adds a number to 64 others; its graph last."""
        directory = self._scratch / version / str(addend)
        graph = write_adder(directory, addend, external=external)
        for path in sorted(directory.iterdir(), key=lambda path: path == graph):
            self.put(f"models/{version}/{path.name}", path.read_bytes())
