"""What jobs have to do with other programs: messages in, notifications out, failures that pass, the sweep."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from numpy.random import default_rng
from triptych.jobs.job import IDS

from local.failure import LocalFailure
from local.jobs import Job, Jobs
from local.stack import StackInfo
from tests.e2e.job_requests import JobRequest, films_json, penguins_csv, wrong_shape
from tests.e2e.listener import Listener
from tests.support.answers import alike

ROOT = Path(__file__).parents[2]
PENGUINS = ROOT / "layers" / "models" / "penguins" / "1" / "model.onnx"
LATER = 900  # seconds: such a job does not start while a test runs


def send(stack: StackInfo, message: str) -> str:
    """Puts a message on the queue of jobs; gives its id."""
    sqs = stack.aws().client("sqs")
    answer = sqs.send_message(QueueUrl=stack.outputs["JobsQueueUrl"], MessageBody=message)
    return str(answer["MessageId"])


def once_known(jobs: Jobs, job_id: str) -> Job:
    """Waits until a message has become a job, and the job has ended."""
    end = time.monotonic() + 30
    while not jobs.request("GET", f"/v2/jobs/{job_id}").is_success and time.monotonic() < end:
        time.sleep(0.1)
    return jobs.ended(job_id)


def test_a_message_becomes_a_job(stack: StackInfo, jobs: Jobs) -> None:
    """A producer without HTTP puts a message on the queue, and finds the job by the id of its message."""
    request = penguins_csv(default_rng(20))
    message = {
        "model": "penguins",
        "body": request.body.decode(),
        "content_type": "text/csv",
        "target": "queue",
    }

    job = once_known(jobs, IDS.derived("message", send(stack, json.dumps(message))))

    assert ("succeeded", "queue") == (job["status"], job["target"]), job
    assert alike(request.in_real_time(jobs), jobs.result(job["id"]))


@pytest.mark.parametrize(
    ("message", "reason"), [("{", "JSON"), ('{"model": "digits", "rows": 1}', "unknown field 'rows'")]
)
def test_a_message_that_is_none_becomes_a_failed_job(
    stack: StackInfo, jobs: Jobs, message: str, reason: str
) -> None:
    """What cannot be read is not dropped: a job says why, and where the message is kept."""
    job = once_known(jobs, IDS.derived("unreadable", send(stack, message)))

    assert ("failed", False) == (job["status"], job["error"]["retryable"])
    assert reason in job["error"]["message"]
    bucket, key = f"{stack.resources['JobInputsBucket']}", f"inputs/{job['id']}/message"
    assert message.encode() == stack.aws().s3().get_object(Bucket=bucket, Key=key)["Body"].read()


def test_a_topic_tells_those_who_want_to_know(stack: StackInfo, jobs: Jobs) -> None:
    """A subscription with a filter hears of its jobs, in the words of SageMaker, and of no others."""
    listener = Listener(stack)
    listener.subscribe(target=["nightly"])

    jobs.ended(films_json(default_rng(21)).as_job(jobs, target="hourly")["id"])
    job = jobs.ended(films_json(default_rng(22)).as_job(jobs, target="nightly")["id"])

    (told,) = listener.heard()
    assert ("Completed", job["id"]) == (told["invocationStatus"], told["inferenceId"])
    assert "recommender" == told["requestParameters"]["endpointName"]
    assert job["result"]["content_type"] == told["responseParameters"]["contentType"]
    assert job == told["job"]


def test_the_bus_tells_those_who_want_to_know(stack: StackInfo, jobs: Jobs) -> None:
    """A rule for failed jobs hears of them and why, and of no others."""
    listener = Listener(stack)
    listener.follow({"source": ["triptych.jobs"], "detail-type": ["Job failed"]})

    jobs.ended(films_json(default_rng(23)).as_job(jobs)["id"])
    job = jobs.ended(wrong_shape(default_rng(24)).as_job(jobs)["id"])

    (event,) = listener.heard()
    assert ("triptych.jobs", "Job failed") == (event["source"], event["detail-type"])
    assert ("Failed", job["id"]) == (event["detail"]["invocationStatus"], event["detail"]["inferenceId"])
    assert job["error"]["message"] == event["detail"]["failureReason"]


def test_the_sweep_ends_what_was_not_started_in_time(stack: StackInfo, jobs: Jobs) -> None:
    """A job whose time is over expires without anybody looking at it, and that is told."""
    listener = Listener(stack)
    listener.subscribe(status=["expired"])
    waiting = films_json(default_rng(25)).as_job(jobs, delay=LATER)["id"]
    _make_overdue(stack, waiting)

    payload = (ROOT / "events" / "job-sweep.json").read_bytes()
    functions = stack.aws().client("lambda")
    answer = functions.invoke(FunctionName=stack.resources["JobKeeperFunction"], Payload=payload)

    swept = json.loads(answer["Payload"].read())
    assert 0 == swept["failed"]
    assert 1 <= swept["settled"]
    assert waiting in [told["inferenceId"] for told in listener.heard()]
    assert "expired" == jobs.get(waiting)["status"]


def _make_overdue(stack: StackInfo, job_id: str) -> None:
    """Moves a record into the past, as no job lives for less than a minute."""
    past = {":past": {"N": str(int(time.time() * 1000) - 1000)}}
    stack.aws().client("dynamodb").update_item(
        TableName=stack.resources["JobsTable"],
        Key={"id": {"S": job_id}},
        UpdateExpression="SET expires = :past, due = :past",
        ExpressionAttributeValues=past,
    )


def test_what_was_given_up_is_driven_again(stack: StackInfo, jobs: Jobs) -> None:
    """A job is tried five times and given up; once the reason has passed, it can be queued again."""
    s3, bucket, key = stack.aws().s3(), stack.outputs["ModelBucket"], "models/repaired/1/model.onnx"
    s3.put_object(Bucket=bucket, Key=key, Body=b"no model at all")
    requests = [replace(penguins_csv(default_rng(seed)), model="repaired") for seed in (26, 27)]
    made = [_once_accepted(jobs, request) for request in requests]

    failed = [jobs.ended(job_id) for job_id in made]

    for job in failed:
        assert ("failed", 5, True) == (job["status"], job["attempts"], job["error"]["retryable"]), job
        assert "given up after 5 attempts" in job["error"]["message"]
    s3.upload_file(str(PENGUINS), bucket, key)
    assert made == _waiting_for_redrive(stack, made)
    assert "failed" == jobs.get(made[0])["status"]
    assert "jobs queued again" in _redrive(stack)
    for job_id, request in zip(made, requests, strict=True):
        job = jobs.ended(job_id)
        assert ("succeeded", 1) == (job["status"], job["redrives"]), job
        assert alike(request.in_real_time(jobs), jobs.result(job_id))
    assert [] == _waiting_for_redrive(stack, made)


def _once_accepted(jobs: Jobs, request: JobRequest) -> str:
    end = time.monotonic() + 20  # a new model is seen when the listing is made again
    while True:
        try:
            return str(request.as_job(jobs)["id"])
        except LocalFailure:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def _waiting_for_redrive(stack: StackInfo, made: list[str]) -> list[str]:
    """Gives those of some jobs that would be queued again; there may be others, of other tests."""
    listed = _redrive(stack, "--dry-run")
    assert "jobs would be queued again" in listed
    return [job_id for job_id in made if job_id in listed]


def _redrive(stack: StackInfo, *options: str) -> str:
    command = [sys.executable, "-m", "local", "redrive", "--stack", stack.stack_name, *options]
    environment = {**os.environ, "AWS_ENDPOINT_URL": stack.endpoint_url}
    return subprocess.run(  # noqa: S603 - the command that users type
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout
