"""Records of jobs in a DynamoDB table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from triptych.adapters.aws_clients import AwsClients
from triptych.adapters.aws_errors import error_code, reaching
from triptych.adapters.job_index import JobIndex
from triptych.adapters.job_items import item_of, job_of, named, serialized
from triptych.errors import BadRequest
from triptych.interfaces.job_store import Page
from triptych.jobs.job import Job

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "the table of jobs"
_PLACE = re.compile(r"[0-9]{13,20}\.[0-9a-f-]{36}")


class DynamoJobs:
    """Keeps records; one changes only if it is still what its writer read.

    Args:
        clients: Calls AWS.
        table: Name of the table.
        retention: Seconds that a record is kept after its end.
    """

    def __init__(self, clients: AwsClients, table: str, retention: int) -> None:
        self._clients = clients
        self._table = table
        self._retention = retention
        self._index = JobIndex(clients, table)

    @property
    def _client(self) -> DynamoDBClient:
        return self._clients.dynamodb

    def get(self, job_id: str) -> Job | None:
        """Gives a record; None when there is none.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        with reaching(TABLE):
            found = self._client.get_item(
                TableName=self._table, Key=serialized({"id": job_id}), ConsistentRead=True
            )
        return job_of(found["Item"]) if "Item" in found else None

    def add(self, job: Job) -> bool:
        """Keeps a new record; False, and nothing is done, when there is one with its id.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        return self._put(job, "attribute_not_exists(#id)", named("id"))

    def replace(self, job: Job) -> bool:
        """Puts a record in place of its last revision; False, and nothing is done, when that is not there.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        return self._put(job, "#revision = :previous", named("revision"), {":previous": job.revision - 1})

    def remove(self, job: Job) -> bool:
        """Removes a record; False, and nothing is done, when the one that is there has another revision.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        with reaching(TABLE):
            try:
                self._client.delete_item(
                    TableName=self._table,
                    Key=serialized({"id": job.id}),
                    ConditionExpression="#revision = :known",
                    ExpressionAttributeNames=named("revision"),
                    ExpressionAttributeValues=serialized({":known": job.revision}),
                )
            except ClientError as error:
                return _refused(error)
        return True

    def newest(self, *, model: str | None, after: str | None, limit: int) -> Page:
        """Lists records, newest first. A page may be short and have a next one all the same.

        Args:
            model: Only jobs of this model.
            after: `next` of the page before, or `Job.place` of the last job that was wanted of it.
            limit: At most so many.

        Raises:
            BadRequest: `after` is not what a page gave.
            ServiceUnavailable: The table cannot be reached.
        """
        if after is not None and not _PLACE.fullmatch(after):
            raise BadRequest(f"next: expected what the page before gave, got {after[:64]!r}")
        with reaching(TABLE):
            ids, following = self._index.newest(model, after, limit)
            items = self._index.items(ids)
        return Page([job_of(item) for item in items], following)

    def unattended(self, now: int, limit: int) -> Sequence[str]:
        """Gives ids of jobs that somebody must look after, the longest overdue first.

        Args:
            now: Milliseconds since 1970.
            limit: At most so many.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        with reaching(TABLE):
            return self._index.due(now, limit)

    def _put(
        self, job: Job, condition: str, names: dict[str, str], values: dict[str, int] | None = None
    ) -> bool:
        optional: dict[str, Any] = {"ExpressionAttributeValues": serialized(values)} if values else {}
        with reaching(TABLE):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item_of(job, self._retention),
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    **optional,
                )
            except ClientError as error:
                return _refused(error)
        return True


def _refused(error: ClientError) -> bool:
    """Gives False if the condition did not hold, and raises what else there is."""
    if error_code(error) != "ConditionalCheckFailedException":
        raise error
    return False
