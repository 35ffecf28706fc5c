"""A job as the API describes it."""

from __future__ import annotations

from triptych.clock import known_moment, moment
from triptych.jobs.job import Job, Status
from triptych.jobs.transitions import overdue


def document(job: Job, now: int) -> dict[str, object]:
    """Describes a job in JSON; times are ISO 8601 in UTC, and what is not known is left out.

    Args:
        job: The job.
        now: Milliseconds since 1970: a job that should have been started by then has expired.
    """
    described: dict[str, object] = {
        "id": job.id,
        "status": status_at(job, now),
        "model": job.model,
        "version": None if job.version is None else str(job.version),
        "target": job.target,
        "created_at": moment(job.created),
        "expires_at": moment(job.expires),
        "started_at": known_moment(job.started),
        "ended_at": known_moment(job.ended),
        "attempts": job.attempts,
        "redrives": job.redrives,
        "model_version": str(job.result.version) if job.result else None,
        "error": job.error._asdict() if job.error else None,
        "result": _result(job),
    }
    return {name: value for name, value in described.items() if value is not None}


def status_at(job: Job, now: int) -> Status:
    """Returns the status of a job: one that should have been started by now has expired."""
    return Status.EXPIRED if overdue(job, now) else job.status


def _result(job: Job) -> dict[str, object] | None:
    result = job.result
    if result is None:
        return None
    described: dict[str, object] = {
        "href": f"/v2/jobs/{job.id}/result",
        "location": result.location,
        "content_type": result.content_type,
        "size": result.size,
    }
    if result.header_length is not None:
        described["inference_header_content_length"] = result.header_length
    if result.filled:
        described["filled_cells"] = result.filled
    return described
