"""A client of jobs, in one place for the demo, the redrive and the tests."""

import time
from collections.abc import Iterator
from typing import Any

import httpx

from local.calls import Calls, expect_success
from local.failure import LocalFailure

FINAL = frozenset({"succeeded", "failed", "cancelled", "expired"})
LONGEST_WAIT = 20  # seconds that the API holds an answer back at most

type Job = dict[str, Any]


class Jobs(Calls):
    """A client of the API that also knows jobs."""

    def submit(
        self,
        model: str,
        body: bytes,
        kind: str,
        *,
        headers: dict[str, str] | None = None,
        **options: str | int,
    ) -> Job:
        """Hands a request over.

        Args:
            model: Name of the model.
            body: What infer or predict takes.
            kind: Its content type.
            headers: Further headers.
            **options: The query: time_to_live, delay, target, accept, join, outputs.

        Raises:
            LocalFailure: It was not accepted.
        """
        headers = {"content-type": kind, **(headers or {})}
        path = f"/v2/models/{model}/jobs"
        job: Job = self.json("POST", path, content=body, headers=headers, params=options)
        return job

    def upload(self, body: bytes, kind: str) -> str:
        """Uploads an input by a form of the API.

        Args:
            body: The input, up to 1 GiB.
            kind: Its content type.

        Returns:
            What names the input when a job is made of it.

        Raises:
            LocalFailure: There is no form, or S3 did not take it.
        """
        form = self.json("POST", "/v2/uploads")
        fields = {**form["fields"], "Content-Type": kind}
        expect_success(self.elsewhere("POST", form["url"], data=fields, files={"file": body}))
        return str(form["input"])

    def get(self, job_id: str, wait: int = 0) -> Job:
        """Reads a job.

        Args:
            job_id: Its id.
            wait: Seconds that the answer may be held back, until it has ended.

        Raises:
            LocalFailure: There is none.
        """
        job: Job = self.json("GET", f"/v2/jobs/{job_id}", params={"wait": wait})
        return job

    def ended(self, job_id: str, seconds: float = 60) -> Job:
        """Waits until a job has ended.

        Args:
            job_id: Its id.
            seconds: How long at most.

        Raises:
            LocalFailure: It did not end in time.
        """
        end = time.monotonic() + seconds
        while (job := self.get(job_id, min(LONGEST_WAIT, int(seconds))))["status"] not in FINAL:
            if time.monotonic() > end:
                raise LocalFailure(f"job {job_id} is still {job['status']} after {seconds:.0f} s: {job}")
        return job

    def result(self, job_id: str) -> httpx.Response:
        """Fetches the result of a job, from S3 where it is too large for the API.

        Args:
            job_id: Its id.

        Raises:
            LocalFailure: There is none.
        """
        answer = self.request("GET", f"/v2/jobs/{job_id}/result")
        if answer.has_redirect_location:
            answer = self.elsewhere("GET", answer.headers["location"])
        return expect_success(answer)

    def cancel(self, job_id: str) -> bool:
        """Cancels a job.

        Args:
            job_id: Its id.

        Returns:
            Whether it is cancelled now; False when it had ended before.

        Raises:
            LocalFailure: There is none.
        """
        answer = self.request("DELETE", f"/v2/jobs/{job_id}")
        return answer.status_code != httpx.codes.CONFLICT and bool(expect_success(answer))

    def redrive(self, job_id: str) -> Job:
        """Queues a job again that failed.

        Args:
            job_id: Its id.

        Raises:
            LocalFailure: Its state does not allow it.
        """
        job: Job = self.json("POST", f"/v2/jobs/{job_id}/redrive")
        return job

    def newest(self, **filters: str | int) -> Iterator[Job]:
        """Lists jobs, newest first, page by page.

        Args:
            **filters: The query: model, status, limit (of a page).

        Raises:
            LocalFailure: They cannot be listed.
        """
        page = self.json("GET", "/v2/jobs", params=filters)
        yield from page["jobs"]
        while "next" in page:
            page = self.json("GET", "/v2/jobs", params={**filters, "next": page["next"]})
            yield from page["jobs"]
