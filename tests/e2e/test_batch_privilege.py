"""What the role of the function of uploads lets it do, on an emulator that checks it."""

import pytest

from local.stack import StackInfo
from tests.e2e.probe import Try, probe

UNKNOWN = "no receipt of any message"


@pytest.fixture(scope="module")
def attempt(guarded_stack: StackInfo) -> Try:
    """A call that is made by a function with the role of the function of uploads."""
    return probe(guarded_stack, "BatchFunction")


def test_it_says_when_messages_come_again(guarded_stack: StackInfo, attempt: Try) -> None:
    """Who may put off one message may put off several at once."""
    queue = guarded_stack.resources["BatchQueue"]
    entries = [{"Id": "0", "ReceiptHandle": UNKNOWN, "VisibilityTimeout": 1}]
    assert "allowed" == attempt("sqs", "change_message_visibility_batch", QueueUrl=queue, Entries=entries)


def test_it_sends_reminders_only(guarded_stack: StackInfo, attempt: Try) -> None:
    """It reminds itself of batches; to other queues it sends neither one message nor several at once."""
    own = guarded_stack.resources["BatchQueue"]
    reminder = '{"start": "3e1f5a52-8c0d-4b7a-9d35-6f1c2b7e9a10"}'
    assert "allowed" == attempt("sqs", "send_message", QueueUrl=own, MessageBody=reminder)
    queue = guarded_stack.outputs["JobsQueueUrl"]
    entries = [{"Id": "0", "MessageBody": "{}"}]
    refused = "AccessDenied", "AccessDeniedException"
    assert attempt("sqs", "send_message", QueueUrl=queue, MessageBody="{}") in refused
    assert attempt("sqs", "send_message_batch", QueueUrl=queue, Entries=entries) in refused


def test_it_changes_no_input(guarded_stack: StackInfo, attempt: Try) -> None:
    """What users dropped stays as it is."""
    bucket = guarded_stack.outputs["InputBucket"]
    assert "AccessDenied" == attempt("s3", "put_object", Bucket=bucket, Key="penguins/a.csv", Body="x")
    assert "AccessDenied" == attempt("s3", "delete_object", Bucket=bucket, Key="penguins/a.csv")
