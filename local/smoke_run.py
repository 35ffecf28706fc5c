"""One run of the smoke test: the clients of the stack, and what the run has made there."""

import time
from uuid import uuid4

from local.batches import Batch, Batches
from local.calls import LOOK
from local.failure import LocalFailure
from local.jobs import Job, Jobs
from local.stack import StackInfo


class NotShown(Exception):
    """A stack of this kind cannot show what a check is about."""


class SmokeRun:
    """Creates jobs and batches with unique names, and remembers their ids.

    Args:
        stack: The stack.
        api: Calls its API.
        patience: The attribute.

    Attributes:
        patience: Seconds in which a job has to end; a batch has twice as long.
        name: In every key of this run.
        served: Names of the models that can be called.
        jobs: Ids of jobs.
        batches: Ids of batches.
        uploads: Names of uploaded inputs.
        lookups: Keys of predictions of the recommender.
    """

    def __init__(self, stack: StackInfo, api: Jobs, patience: float = 60) -> None:
        self.stack = stack
        self.api = api
        self.files = Batches(stack, api)
        self.name = f"smoke-{uuid4().hex[:12]}"
        self.served: set[str] = set()
        self.jobs: list[str] = []
        self.batches: list[str] = []
        self.uploads: list[str] = []
        self.lookups: list[str] = []
        self.patience = patience

    @property
    def on_upload(self) -> bool:
        """Whether dropped files are transformed without a call."""
        return self.stack.parameters.get("BatchOnUpload") != "false"

    def key(self, model: str, file: str) -> str:
        """Return the key of a file of this run."""
        return f"{model}/{self.name}/{file}"

    def submitted(self, model: str, body: bytes, kind: str, headers: dict[str, str] | None = None) -> str:
        """Hand a job over, and return its id."""
        job = self.api.submit(model, body, kind, headers=headers, target="smoke")
        self.jobs.append(job["id"])
        return str(job["id"])

    def ended_job(self, job_id: str) -> Job:
        """Wait for the end of a job."""
        return self.api.ended(job_id, self.patience)

    def ended_message(self, job_id: str) -> Job:
        """Wait until a message has become a job, and the job has ended."""
        self.jobs.append(job_id)
        end = time.monotonic() + self.patience
        while not (answer := self.api.request("GET", f"/v2/jobs/{job_id}")).is_success:
            if time.monotonic() > end:
                raise LocalFailure(f"no job after {self.patience:.0f} s: {answer.status_code} {answer.text}")
            time.sleep(LOOK)
        return self.ended_job(job_id)

    def transformed(self, key: str, body: bytes, /, **options: str) -> Batch:
        """Drop a file and wait for the end of its batch, which is called for where uploads make none."""
        dropped = self.files.drop(key, body, **options)
        if not self.on_upload:
            return self.called(key)
        self.batches.append(dropped)
        return self.files.ended(dropped, 2 * self.patience)

    def called(self, key: str, **options: str) -> Batch:
        """Call for the batch of a file that is there, and wait for its end."""
        asked = {"keys": [key], "options": options, "target": "smoke"}
        identity = self.api.json("POST", "/v2/batches", json=asked)["id"]
        self.batches.append(identity)
        return self.files.ended(identity, 2 * self.patience)
