"""Items written to DynamoDB, some at a time, at an even pace."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from botocore.exceptions import ClientError

from triptych.adapters.aws_clients import AwsClients
from triptych.adapters.aws_errors import THROTTLED, error_code
from triptych.interfaces.pacer import Pacer

LIMIT = 25
"""Items of one request at most."""

_FIRST_WAIT, _LONGEST_WAIT = 0.05, 5.0  # seconds
_DOUBLED = 7  # times that the first wait is doubled until it is the longest
_UNIT = 1024  # bytes of an item that one write unit pays for


def write_items(clients: AwsClients, table: str, items: Sequence[Mapping[str, Any]], pacer: Pacer) -> None:
    """Writes items, and those again for which DynamoDB had no capacity, as long as there is time.

    Args:
        clients: Calls AWS.
        table: Name of the table.
        items: `LIMIT` of them at most, each with a key of its own.
        pacer: Says when so many write units are due.

    Raises:
        ClientError: DynamoDB refuses.
        BotoCoreError: DynamoDB cannot be reached.
        DeadlineExceeded: Time is up, and some of them may not be written.
    """
    left: Sequence[Any] = [{"PutRequest": {"Item": item}} for item in items]
    for attempt in count():
        pacer.wait(sum(map(_units, left)))
        left = _unprocessed(clients, table, left)
        if not left:
            return
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(attempt, _DOUBLED))
        pacer.pause(random.uniform(0, longest))  # noqa: S311 - no secret


def _unprocessed(clients: AwsClients, table: str, requests: Sequence[Any]) -> Sequence[Any]:
    try:
        answer = clients.dynamodb.batch_write_item(RequestItems={table: requests})
    except ClientError as error:
        if error_code(error) in THROTTLED:  # instead of an answer, where it has no capacity for any
            return requests
        raise
    return answer["UnprocessedItems"].get(table, [])


def _units(request: Any) -> int:  # noqa: ANN401 - as boto3 takes and gives it
    item = request["PutRequest"]["Item"]
    size = sum(len(name) + len(str(*value.values()).encode()) for name, value in item.items())
    return -(-size // _UNIT)
