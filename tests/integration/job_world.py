"""Everything in AWS that jobs stand on, in this process: table, queue, buckets, topic, event bus."""

import json
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # SAM's has no types
from triptych.aws.clients import AwsClients
from triptych.aws.notifications import Notifier
from triptych.aws.queue import Queue
from triptych.batches.batch import Batch
from triptych.batches.document import batch_notifier
from triptych.jobs.document import job_notifier
from triptych.jobs.inputs import InputStore
from triptych.jobs.job import Job
from triptych.jobs.results import ResultStore
from triptych.jobs.store import JobStore

REGION = "us-east-1"
TABLE = "stack-jobs"
INPUTS, RESULTS, ALLOWED, OTHER = "stack-inputs", "stack-results", "allowed-bucket", "other-bucket"
RETENTION = 14 * 86_400

_TEMPLATE = Path(__file__).parents[2] / "template.yaml"
_CREATED_WITH = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


class JobWorld:
    """What the stack has, under the names above, and the adapters over it; each is made when first needed."""

    def __init__(self) -> None:
        self.aws = AwsClients()

    @cached_property
    def jobs(self) -> JobStore:
        """Records in a table as the template describes it."""
        self.aws.dynamodb.create_table(TableName=TABLE, **table())
        return JobStore(self.aws, TABLE, RETENTION)

    @cached_property
    def inputs(self) -> InputStore:
        """Inputs; another bucket is allowed, and one is not."""
        for bucket in (INPUTS, ALLOWED, OTHER):
            self.aws.s3.create_bucket(Bucket=bucket)
        return InputStore(self.aws, INPUTS, (ALLOWED,))

    @cached_property
    def results(self) -> ResultStore:
        """Results."""
        self.aws.s3.create_bucket(Bucket=RESULTS)
        return ResultStore(self.aws, RESULTS)

    @cached_property
    def queue_url(self) -> str:
        """URL of the queue of jobs."""
        return self._new_queue("jobs")

    @cached_property
    def queue(self) -> Queue:
        """Messages."""
        return Queue(self.aws, self.queue_url)

    @cached_property
    def notifier(self) -> Notifier[Job]:
        """Notifications of jobs; a queue listens to the topic, and to the bus."""
        return job_notifier(self.aws, self._listen("jobs"), REGION)

    @cached_property
    def batch_notifier(self) -> Notifier[Batch]:
        """Notifications of batches, heard by the same queue."""
        return batch_notifier(self.aws, self._listen("batches"), REGION)

    @cached_property
    def _heard_url(self) -> str:
        return self._new_queue("heard")

    def messages(self) -> list[Any]:
        """Receives what waits in the queue of jobs, with all attributes."""
        return self._receive(self.queue_url)

    def heard(self) -> list[dict[str, Any]]:
        """Returns what listeners of the topic and the bus got, each in the envelope of its service."""
        return [json.loads(message["Body"]) for message in self._receive(self._heard_url)]

    def item(self, job_id: str) -> Mapping[str, Any]:
        """Returns the attributes of a record as DynamoDB has them."""
        return self.aws.dynamodb.get_item(TableName=TABLE, Key={"id": {"S": job_id}})["Item"]

    def put_object(self, bucket: str, key: str, body: bytes, **described: Any) -> str:  # noqa: ANN401 - of S3
        """Puts an object; gives its location."""
        self.aws.s3.put_object(Bucket=bucket, Key=key, Body=body, **described)
        return f"s3://{bucket}/{key}"

    def keys(self, bucket: str) -> list[str]:
        """Lists a bucket."""
        return [
            found.get("Key", "") for found in self.aws.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        ]

    def _new_queue(self, name: str) -> str:
        return self.aws.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "60"})["QueueUrl"]

    def _receive(self, url: str) -> list[Any]:
        answer = self.aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
        return list(answer.get("Messages", []))

    def _listen(self, name: str) -> str:
        """Makes a topic, and lets the queue hear of it and of the events of the same name."""
        topic_arn = self.aws.sns.create_topic(Name=name)["TopicArn"]
        attributes = self.aws.sqs.get_queue_attributes(QueueUrl=self._heard_url, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        self.aws.sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
        self.aws.events.put_rule(Name=name, EventPattern=json.dumps({"source": [f"triptych.{name}"]}))
        self.aws.events.put_targets(Rule=name, Targets=[{"Id": "heard", "Arn": arn}])
        return topic_arn


@cache
def table() -> dict[str, Any]:
    """Returns what the template says about the table, as CreateTable takes it."""
    properties = yaml_parse(_TEMPLATE.read_text())["Resources"]["JobsTable"]["Properties"]
    return {name: properties[name] for name in _CREATED_WITH}
