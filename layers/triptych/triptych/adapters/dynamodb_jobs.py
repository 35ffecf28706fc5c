"""Records of jobs in a DynamoDB table."""

from __future__ import annotations

from collections.abc import Sequence

from triptych.adapters.aws_clients import AwsClients
from triptych.adapters.aws_errors import reaching
from triptych.adapters.job_index import DueIndex
from triptych.adapters.job_items import item_of, job_of
from triptych.adapters.record_index import RecordIndex
from triptych.adapters.record_table import RecordTable
from triptych.interfaces.job_store import Page
from triptych.jobs.job import Job

TABLE = "the table of jobs"


class DynamoJobs:
    """Keeps records; one changes only if it is still what its writer read.

    Args:
        clients: Calls AWS.
        table: Name of the table.
        retention: Seconds that a record is kept after its end.
    """

    def __init__(self, clients: AwsClients, table: str, retention: int) -> None:
        self._table = RecordTable(clients, table, TABLE)
        self._newest = RecordIndex(clients, table, TABLE)
        self._due = DueIndex(clients, table)
        self._retention = retention

    def get(self, job_id: str) -> Job | None:
        """Gives a record; None when there is none.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        item = self._table.get({"id": job_id})
        return None if item is None else job_of(item)

    def add(self, job: Job) -> bool:
        """Keeps a new record; False, and nothing is done, when there is one with its id.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        return self._table.add(item_of(job, self._retention))

    def replace(self, job: Job) -> bool:
        """Puts a record in place of its last revision; False, and nothing is done, when that is not there.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        return self._table.replace(item_of(job, self._retention), job.revision - 1)

    def remove(self, job: Job) -> bool:
        """Removes a record; False, and nothing is done, when the one that is there has another revision.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        return self._table.remove({"id": job.id}, job.revision)

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
        items, following = self._newest.newest(after, limit, model)
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
            return self._due.due(now, limit)
