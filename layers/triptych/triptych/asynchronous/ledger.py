"""Moving jobs from state to state, whoever else does the same."""

from __future__ import annotations

from triptych.errors import NotFound, ServiceUnavailable
from triptych.interfaces.job_store import JobStore
from triptych.jobs.job import Job
from triptych.jobs.transitions import Transition

_TRIES = 5
"""How often a record is read again because somebody else changed it: a job has few who do."""


class Ledger:
    """Moves jobs by compare and swap on their revision.

    Args:
        store: Keeps the records.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def known(self, job_id: str) -> Job:
        """Gives a record as it is now.

        Raises:
            NotFound: There is no such job.
        """
        job = self._store.get(job_id)
        if job is None:
            raise NotFound(f"there is no job {job_id!r}; records are deleted some time after a job has ended")
        return job

    def move(self, job: Job, transition: Transition) -> Job:
        """Makes a transition, from the given revision or from the one that took its place.

        Args:
            job: The record as it was read last.
            transition: Gives the next record, or raises `Conflict`.

        Returns:
            The next record, kept.

        Raises:
            Conflict: The state of the job does not allow it.
            NotFound: The record is gone.
            ServiceUnavailable: Records cannot be reached, or this one is changed all the time.
        """
        for _ in range(_TRIES):
            moved = transition(job)
            if self._store.replace(moved):
                return moved
            job = self.known(job.id)
            if job == moved:  # it was replaced, but the answer was lost and the call made again
                return moved
        raise ServiceUnavailable(f"job {job.id} is changed by others all the time; try again")
