"""The steps of the demo for jobs: submitted, waited for, notified, rejected, cancelled."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import uuid4

import numpy as np
from rich.console import Console
from rich.progress import track

from local.build import ROOT
from local.failure import LocalFailure
from local.jobs import Job, Jobs
from local.pictures import heading, histogram, table
from local.stack import StackInfo
from local.tour import WRONG_SHAPE

BURST = 60
THREADS = 4
TOLD_SECONDS = 10
LATER = 300  # seconds that the cancelled job would have been held back


def one(console: Console, stack: StackInfo, jobs: Jobs) -> None:
    """Hand rows over, wait for the job, fetch the result, hear of its end."""
    heading(
        console,
        "The same rows as a job",
        "POST /v2/models/penguins/jobs?join=island&outputs=species&target=demo",
    )
    queue = _subscribed(stack)
    body = (ROOT / "examples" / "penguins.csv").read_bytes()
    job = jobs.submit("penguins", body, "text/csv", join="island", outputs="species", target="demo")
    console.print(f"202 {job['status']}: job {job['id']}")
    job = jobs.ended(job["id"])
    console.print(
        f"GET /v2/jobs/{{id}}?wait=20: {job['status']} after {_seconds(job) * 1000:.0f} ms", markup=False
    )
    console.print("  ".join(jobs.result(job["id"]).text.split()[:4]), style="green")
    told = _told(stack, queue)
    console.print(f"told by SNS: {told['invocationStatus']}, {told['job']['result']['href']}\n")


def burst(console: Console, jobs: Jobs) -> None:
    """Hand many jobs over at once, and show how long each took."""
    heading(console, f"A burst of {BURST} jobs", "POST /v2/models/digits/jobs")
    started = time.monotonic()
    with ThreadPoolExecutor(THREADS) as threads:
        made = list(threads.map(lambda seed: _digits(jobs, seed)["id"], range(BURST)))
        waiting = threads.map(jobs.ended, made)
        ended = list(track(waiting, "Running", BURST, console=console, transient=True))
    seconds = time.monotonic() - started
    counts = Counter(job["status"] for job in ended)
    shown = ", ".join(f"{count} {status}" for status, count in counts.items())
    console.print(f"{shown} in {seconds:.1f} s: {BURST / seconds:.0f} jobs a second; from acceptance to end:")
    console.print(histogram([_seconds(job) for job in ended]), style="cyan")


def bad(console: Console, jobs: Jobs) -> None:
    """Hand over what cannot succeed, and cancel what need not."""
    heading(console, "A job that fails says why; one that waits can be cancelled", "DELETE /v2/jobs/{id}")
    failed = jobs.ended(jobs.submit("digits", WRONG_SHAPE, "application/json")["id"])
    waiting = _digits(jobs, BURST, delay=LATER)["id"]
    jobs.cancel(waiting)
    shown = table("job", "state", "why")
    shown.add_row(failed["id"], failed["status"], failed["error"]["message"])
    shown.add_row(waiting, jobs.get(waiting)["status"], "")
    console.print(shown)


def _digits(jobs: Jobs, seed: int, delay: int = 0) -> Job:
    pixels = np.random.default_rng(seed).integers(0, 17, (1, 8, 8)).tolist()
    entry = {"name": "image", "shape": [1, 8, 8], "datatype": "FP32", "data": pixels}
    return jobs.submit("digits", json.dumps({"inputs": [entry]}).encode(), "application/json", delay=delay)


def _seconds(job: Job) -> float:
    created, ended = (datetime.fromisoformat(job[name]) for name in ("created_at", "ended_at"))
    return (ended - created).total_seconds()


def _subscribed(stack: StackInfo) -> str:
    sqs = stack.aws().client("sqs")
    url = str(sqs.create_queue(QueueName=f"demo-{uuid4()}")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    stack.aws().client("sns").subscribe(
        TopicArn=stack.outputs["JobsTopicArn"],
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"FilterPolicy": '{"target": ["demo"]}', "RawMessageDelivery": "true"},
    )
    return url


def _told(stack: StackInfo, url: str) -> Job:
    sqs = stack.aws().client("sqs")
    answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=TOLD_SECONDS)
    sqs.delete_queue(QueueUrl=url)
    if not answer.get("Messages"):
        raise LocalFailure("nobody was told of the end of the job")
    told: Job = json.loads(answer["Messages"][0]["Body"])
    return told
