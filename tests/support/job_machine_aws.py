"""An account of AWS with what the stack has, as the state machine looks at it: past all faults."""

from __future__ import annotations

import json
from typing import Any

from moto.backends import get_backend
from triptych.aws.clients import AwsClients
from triptych.aws.table import deserialized
from triptych.jobs.job import Job
from triptych.lifecycle.store import record_of

from tests.integration.job_world import REGION, TABLE, table

SERVICES = ("dynamodb", "events", "s3", "sns", "sqs")
QUEUE, LETTERS, TOLD, TOPIC = "machine-jobs", "machine-dead-letters", "machine-told", "machine-topic"
INPUTS, RESULTS = "machine-inputs", "machine-results"


class Account:
    """What the stack has, new and empty.

    Attributes:
        queue_url: URL of the queue of jobs.
        letters_url: URL of the queue of dead letters.
        topic_arn: ARN of the topic.
    """

    def __init__(self, aws: AwsClients) -> None:
        for service in SERVICES:
            get_backend(service).reset()  # type: ignore[call-overload]
        self._aws = aws
        aws.dynamodb.create_table(TableName=TABLE, **table())
        for bucket in (INPUTS, RESULTS):
            aws.s3.create_bucket(Bucket=bucket)
        self.queue_url = aws.sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        self.letters_url = aws.sqs.create_queue(QueueName=LETTERS)["QueueUrl"]
        self._told_url = aws.sqs.create_queue(QueueName=TOLD)["QueueUrl"]
        self.topic_arn = aws.sns.create_topic(Name=TOPIC)["TopicArn"]
        arn = f"arn:aws:sqs:{REGION}:123456789012:{TOLD}"
        aws.sns.subscribe(TopicArn=self.topic_arn, Protocol="sqs", Endpoint=arn)

    def jobs(self) -> dict[str, Job]:
        """Returns all records by id."""
        items = self._aws.dynamodb.scan(TableName=TABLE, ConsistentRead=True)["Items"]
        jobs = [record_of(Job, deserialized(item)) for item in items]
        return {job.id: job for job in jobs}

    def job(self, job_id: str) -> Job | None:
        """Returns a record."""
        found = self._aws.dynamodb.get_item(TableName=TABLE, Key={"id": {"S": job_id}}, ConsistentRead=True)
        return record_of(Job, deserialized(found["Item"])) if "Item" in found else None

    def send(self, message: str) -> str:
        """Sends a message as a producer; gives its id."""
        return self._aws.sqs.send_message(QueueUrl=self.queue_url, MessageBody=message)["MessageId"]

    def received(self) -> list[tuple[str, str]]:
        """Takes all messages out of the queue of jobs: ids and texts."""
        return self._drained(self.queue_url)

    def letters(self) -> list[tuple[str, str]]:
        """Takes what was given up out of the queue of dead letters: ids and texts."""
        return self._drained(self.letters_url)

    def told(self) -> list[dict[str, Any]]:
        """Takes what a subscriber of the topic was sent."""
        return [json.loads(json.loads(text)["Message"]) for _, text in self._drained(self._told_url)]

    def upload(self, key: str, content: bytes) -> None:
        """Puts a file where a form for uploads says."""
        self._aws.s3.put_object(Bucket=INPUTS, Key=key, Body=content)

    def results(self) -> dict[str, bytes]:
        """Returns all results by location."""
        listed = self._aws.s3.list_objects_v2(Bucket=RESULTS).get("Contents", [])
        keys = [found.get("Key", "") for found in listed]
        return {
            f"s3://{RESULTS}/{key}": self._aws.s3.get_object(Bucket=RESULTS, Key=key)["Body"].read()
            for key in keys
        }

    def _drained(self, url: str) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        while messages := self._aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append((message.get("MessageId", ""), message.get("Body", "")))
                self._aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message.get("ReceiptHandle", ""))
        return found
