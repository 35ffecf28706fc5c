"""The asynchronous mode in the translated template: nothing waits for ever, and nothing is lost."""

import json
from typing import Any

import pytest

from tests.template.translated import of_type

JOBS = {
    "JOBS_TABLE": {"Ref": "JobsTable"},
    "RESULTS_BUCKET": {"Ref": "ResultsBucket"},
    "JOBS_TOPIC_ARN": {"Ref": "JobsTopic"},
    "JOB_RETENTION_DAYS": {"Ref": "JobRetentionDays"},
}
INPUTS = {
    "JOB_INPUTS_BUCKET": {"Ref": "JobInputsBucket"},
    "JOB_ALLOWED_BUCKETS": {"Ref": "JobAllowedBuckets"},
    "JOB_TIME_TO_LIVE": {"Ref": "JobTimeToLive"},
}
RETRIES = {"JOB_RETRY_SECONDS": {"Ref": "JobRetrySeconds"}}
LETTERS = {"JOBS_DEAD_LETTERS_URL": {"Ref": "JobsDeadLetterQueue"}}
QUEUE = {"JOBS_QUEUE_URL": {"Ref": "JobsQueue"}}
RUNS = {
    "JOB_MAX_ATTEMPTS": {"Ref": "JobMaxAttempts"},
    "JOB_INLINE_RESULT_SIZE": {"Ref": "JobInlineResultSize"},
}
ENVIRONMENT = {
    "JobsFunction": JOBS | INPUTS | QUEUE,
    "JobWorkerFunction": JOBS | INPUTS | RETRIES | QUEUE | LETTERS | RUNS,
    "JobKeeperFunction": JOBS | INPUTS | RETRIES | LETTERS,
}
SOURCES = {
    "JobsQueue": ("JobWorkerSource", "JobWorkerFunction"),
    "JobsDeadLetterQueue": ("JobKeeperSource", "JobKeeperFunction"),
}
DAY = 86400


@pytest.fixture(scope="module")
def queues(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The queues by logical id."""
    return of_type(template, "AWS::SQS::Queue")


@pytest.fixture(scope="module")
def sources(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What hands messages to functions, by logical id."""
    return of_type(template, "AWS::Lambda::EventSourceMapping")


@pytest.fixture(scope="module")
def table(template: dict[str, Any]) -> dict[str, Any]:
    """The table of jobs."""
    return of_type(template, "AWS::DynamoDB::Table")["JobsTable"]


def test_a_message_stays_with_the_worker_for_six_timeouts(written: dict[str, Any]) -> None:
    """For each timeout that can be chosen, a message is held for six of them and the longest window."""
    queue = written["Resources"]["JobsQueue"]["Properties"]
    assert {"Fn::FindInMap": ["JobVisibility", {"Ref": "JobTimeout"}, "Seconds"]} == queue[
        "VisibilityTimeout"
    ]
    assert {"Ref": "JobTimeout"} == written["Resources"]["JobWorkerFunction"]["Properties"]["Timeout"]
    window = written["Parameters"]["JobBatchWindow"]["MaxValue"]
    timeouts = written["Parameters"]["JobTimeout"]["AllowedValues"]
    assert {timeout: {"Seconds": 6 * int(timeout) + window} for timeout in timeouts} == written["Mappings"][
        "JobVisibility"
    ]


def test_a_dead_letter_stays_with_its_function_for_six_timeouts(
    template: dict[str, Any], queues: dict[str, dict[str, Any]], sources: dict[str, dict[str, Any]]
) -> None:
    """The dead letters have no window to wait for."""
    timeout = template["Resources"]["JobKeeperFunction"]["Properties"]["Timeout"]
    assert 6 * timeout <= queues["JobsDeadLetterQueue"]["VisibilityTimeout"]
    assert "MaximumBatchingWindowInSeconds" not in sources["JobKeeperSource"]


def test_what_is_tried_too_often_becomes_a_dead_letter(
    written: dict[str, Any], queues: dict[str, dict[str, Any]]
) -> None:
    """Each queue has dead letters or holds them; waiting for its turn does not use up the tries of a job."""
    redrive = queues["JobsQueue"]["RedrivePolicy"]
    assert {"Fn::GetAtt": ["JobsDeadLetterQueue", "Arn"]} == redrive["deadLetterTargetArn"]
    assert redrive["maxReceiveCount"] == 1000 > written["Parameters"]["JobMaxAttempts"]["MaxValue"]
    assert "RedrivePolicy" not in queues["JobsDeadLetterQueue"]


def test_messages_outlive_jobs(written: dict[str, Any], queues: dict[str, dict[str, Any]]) -> None:
    """No message vanishes before its job has expired; a dead letter, whose age goes on, has a day more."""
    longest = written["Parameters"]["JobTimeToLive"]["MaxValue"]
    waiting = queues["JobsQueue"]["MessageRetentionPeriod"]
    assert longest + DAY <= waiting
    assert waiting + DAY <= queues["JobsDeadLetterQueue"]["MessageRetentionPeriod"]


@pytest.mark.parametrize("queue", SOURCES)
def test_one_bad_message_does_not_bring_back_the_others(
    sources: dict[str, dict[str, Any]], queue: str
) -> None:
    """Each queue is read by the published version of its function, which may fail messages one by one."""
    name, function = SOURCES[queue]
    source = sources[name]
    assert {"Fn::GetAtt": [queue, "Arn"]} == source["EventSourceArn"]
    assert {"Ref": f"{function}Aliaslive"} == source["FunctionName"]
    assert ["ReportBatchItemFailures"] == source["FunctionResponseTypes"]


def test_a_backlog_cannot_take_every_environment(
    written: dict[str, Any], sources: dict[str, dict[str, Any]]
) -> None:
    """How many batches run at once is bounded; the least bound that Lambda takes is two."""
    assert {"MaximumConcurrency": {"Ref": "JobMaxConcurrency"}} == sources["JobWorkerSource"]["ScalingConfig"]
    assert 2 == sources["JobKeeperSource"]["ScalingConfig"]["MaximumConcurrency"]
    bounds = written["Parameters"]["JobMaxConcurrency"]
    assert (2, 1000) == (bounds["MinValue"], bounds["MaxValue"])


def test_large_batches_have_a_window(written: dict[str, Any], sources: dict[str, dict[str, Any]]) -> None:
    """Lambda wants a window of a second where a batch may hold more than ten messages."""
    source = sources["JobWorkerSource"]
    assert {"Ref": "JobBatchSize"} == source["BatchSize"]
    assert {"Ref": "JobBatchWindow"} == source["MaximumBatchingWindowInSeconds"]
    assert 1 == written["Parameters"]["JobBatchWindow"]["MinValue"]


def test_whatever_rests_is_encrypted(template: dict[str, Any], queues: dict[str, dict[str, Any]]) -> None:
    """Queues and topics are; buckets and tables are held to it elsewhere."""
    assert all(queue["SqsManagedSseEnabled"] for queue in queues.values())
    for topic in ("JobsTopic", "BatchesTopic"):
        assert "alias/aws/sns" == of_type(template, "AWS::SNS::Topic")[topic]["KmsMasterKeyId"]


@pytest.mark.parametrize(
    ("kind", "member", "names"),
    [
        ("AWS::SQS::QueuePolicy", "Queues", {*SOURCES, "BatchQueue", "BatchDeadLetterQueue"}),
        ("AWS::SNS::TopicPolicy", "Topics", {"JobsTopic", "BatchesTopic"}),
    ],
)
def test_queues_and_topic_refuse_plain_http(
    template: dict[str, Any], kind: str, member: str, names: set[str]
) -> None:
    """Each has a policy that denies what does not come over TLS."""
    policies = of_type(template, kind).values()
    assert names == {entry["Ref"] for policy in policies for entry in policy[member]}
    for policy in policies:
        (statement,) = (each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny")
        assert ("Deny", "*") == (statement["Effect"], statement["Principal"])
        assert {"Bool": {"aws:SecureTransport": "false"}} == statement["Condition"]


def test_the_table_finds_jobs_three_ways(table: dict[str, Any]) -> None:
    """By id, the newest ones, and those that somebody has to look after."""
    indexes = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
    assert {"HASH": "id"} == _keys(table)
    assert {"HASH": "shard", "RANGE": "created_id"} == _keys(indexes["newest"])
    assert {"HASH": "due_shard", "RANGE": "due"} == _keys(indexes["due"])
    assert {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["model"]} == indexes["newest"]["Projection"]
    assert {"ProjectionType": "KEYS_ONLY"} == indexes["due"]["Projection"]
    types = {entry["AttributeName"]: entry["AttributeType"] for entry in table["AttributeDefinitions"]}
    assert {"id": "S", "shard": "S", "created_id": "S", "due_shard": "S", "due": "N"} == types


def test_the_table_forgets_and_can_be_brought_back(template: dict[str, Any], table: dict[str, Any]) -> None:
    """Records expire; a mistake can be undone; an update that replaces the table keeps the old one."""
    assert {"AttributeName": "delete_at", "Enabled": True} == table["TimeToLiveSpecification"]
    assert {"PointInTimeRecoveryEnabled": True} == table["PointInTimeRecoverySpecification"]
    assert "Retain" == template["Resources"]["JobsTable"]["UpdateReplacePolicy"]


@pytest.mark.parametrize("bucket", ["JobInputsBucket", "ResultsBucket"])
def test_buckets_of_jobs_empty_themselves(template: dict[str, Any], bucket: str) -> None:
    """What is older than the retention goes, and so do the parts of uploads that nobody ended."""
    rules = of_type(template, "AWS::S3::Bucket")[bucket]["LifecycleConfiguration"]["Rules"]
    assert {"Ref": "JobRetentionDays"} == rules[0]["ExpirationInDays"]
    assert {"DaysAfterInitiation": 1} == rules[1]["AbortIncompleteMultipartUpload"]


def test_somebody_looks_after_jobs_that_nobody_works_on(template: dict[str, Any]) -> None:
    """The sweep runs on a schedule, ends before its next run, and is not tried again meanwhile."""
    schedule = of_type(template, "AWS::Scheduler::Schedule")["JobKeeperFunctionTick"]
    assert "${AWS::StackName}-job-sweep" == schedule["Name"]["Fn::Sub"]
    assert "rate(5 minutes)" == schedule["ScheduleExpression"]
    assert {"Ref": "JobKeeperFunctionAliaslive"} == schedule["Target"]["Arn"]
    assert 0 == schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"]
    assert template["Resources"]["JobKeeperFunction"]["Properties"]["Timeout"] < 300


@pytest.mark.parametrize("function", ENVIRONMENT)
def test_functions_are_told_where_things_are(template: dict[str, Any], function: str) -> None:
    """Each function knows the places that it works with, and no other."""
    variables = template["Resources"][function]["Properties"]["Environment"]["Variables"]
    told = {name: value for name, value in variables.items() if name.startswith(("JOB", "RESULTS"))}
    assert ENVIRONMENT[function] == told


def test_policies_are_json_that_services_take(template: dict[str, Any]) -> None:
    """A role's own policies stay within the 10,240 characters that IAM takes, a shared one within 6,144."""
    for role in of_type(template, "AWS::IAM::Role").values():
        assert len(json.dumps(role.get("Policies", []), separators=(",", ":"))) < 10_240
    for policy in of_type(template, "AWS::IAM::ManagedPolicy").values():
        assert len(json.dumps(policy["PolicyDocument"], separators=(",", ":"))) < 6_144


def _keys(described: dict[str, Any]) -> dict[str, str]:
    return {key["KeyType"]: key["AttributeName"] for key in described["KeySchema"]}
