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
    queue = guarded_stack.outputs["BatchQueueUrl"]
    entries = [{"Id": "0", "ReceiptHandle": UNKNOWN, "VisibilityTimeout": 1}]
    assert "allowed" == attempt("sqs", "change_message_visibility_batch", QueueUrl=queue, Entries=entries)


def test_it_sends_no_messages(guarded_stack: StackInfo, attempt: Try) -> None:
    """Who may not send one message may not send several at once either."""
    queue = guarded_stack.outputs["BatchQueueUrl"]
    entries = [{"Id": "0", "MessageBody": "{}"}]
    refused = "AccessDenied", "AccessDeniedException"
    assert attempt("sqs", "send_message", QueueUrl=queue, MessageBody="{}") in refused
    assert attempt("sqs", "send_message_batch", QueueUrl=queue, Entries=entries) in refused


def test_it_changes_no_input(guarded_stack: StackInfo, attempt: Try) -> None:
    """What users dropped stays as it is."""
    bucket = guarded_stack.outputs["InputBucket"]
    assert "AccessDenied" == attempt("s3", "put_object", Bucket=bucket, Key="penguins/a.csv", Body="x")
    assert "AccessDenied" == attempt("s3", "delete_object", Bucket=bucket, Key="penguins/a.csv")
