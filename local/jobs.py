"""A client of jobs, in one place for the demo, the redrive and the tests."""

import random
import time
from collections.abc import Iterator
from typing import Any, Self

import httpx

from local.calls import expect_success
from local.failure import LocalFailure

FINAL = frozenset({"succeeded", "failed", "cancelled", "expired"})
PATIENCE = 30  # seconds for which the API may say that requests come too fast
LONGEST_WAIT = 20  # seconds that the API holds an answer back at most

type Job = dict[str, Any]


class Jobs:
    """Jobs of one deployed stack; threads may share it.

    Args:
        api_url: Base URL of the API, without a trailing slash.
        api_key: Value of an API key.
    """

    def __init__(self, api_url: str, api_key: str) -> None:
        self._client = httpx.Client(
            base_url=api_url, headers={"x-api-key": api_key}, timeout=60, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401 - of httpx
        """Sends any request and takes whatever is answered; one that comes too fast is sent again.

        Args:
            method: GET, POST or DELETE.
            path: The path after the base URL.
            **arguments: What httpx takes.
        """
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._client.request(method, path, **arguments)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS or time.monotonic() > end:
                return answer
            time.sleep(random.uniform(0.2, 1))  # noqa: S311 - spreads load, keeps no secret

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
        return _json(self.request("POST", path, content=body, headers=headers, params=options))

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
        form = _json(self.request("POST", "/v2/uploads"))
        fields = {**form["fields"], "Content-Type": kind}
        expect_success(
            httpx.post(form["url"], data=fields, files={"file": body}, timeout=60, trust_env=False)
        )
        return str(form["input"])

    def get(self, job_id: str, wait: int = 0) -> Job:
        """Looks at a job.

        Args:
            job_id: Its id.
            wait: Seconds that the answer may be held back, until it has ended.

        Raises:
            LocalFailure: There is none.
        """
        return _json(self.request("GET", f"/v2/jobs/{job_id}", params={"wait": wait}))

    def ended(self, job_id: str, seconds: float = 60) -> Job:
        """Waits until a job has ended.

        Args:
            job_id: Its id.
            seconds: How long at most.

        Raises:
            LocalFailure: It did not end in time.
        """
        end = time.monotonic() + seconds
        while (job := self.get(job_id, LONGEST_WAIT))["status"] not in FINAL:
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
            answer = httpx.get(answer.headers["location"], timeout=60, trust_env=False)
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
        return _json(self.request("POST", f"/v2/jobs/{job_id}/redrive"))

    def newest(self, **filters: str | int) -> Iterator[Job]:
        """Lists jobs, newest first, page by page.

        Args:
            **filters: The query: model, status, limit (of a page).

        Raises:
            LocalFailure: They cannot be listed.
        """
        page = _json(self.request("GET", "/v2/jobs", params=filters))
        yield from page["jobs"]
        while "next" in page:
            page = _json(self.request("GET", "/v2/jobs", params={**filters, "next": page["next"]}))
            yield from page["jobs"]


def _json(answer: httpx.Response) -> dict[str, Any]:
    content: dict[str, Any] = expect_success(answer).json()
    return content
