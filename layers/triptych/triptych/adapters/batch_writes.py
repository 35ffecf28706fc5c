"""Items written to DynamoDB, some at a time, at an even pace."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from triptych.adapters.aws_clients import AwsClients

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import WriteRequestUnionTypeDef

LIMIT = 25
"""Items of one request at most."""

TRIES = 10
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 5.0  # seconds


class Pacer:
    """Spreads events evenly over time.

    Args:
        rate: Events a second.
        sleep: Waits for some seconds.
        clock: Gives seconds that only grow.
    """

    def __init__(
        self,
        rate: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._sleep = sleep
        self._clock = clock
        self._next = clock()
        self._lock = Lock()

    def wait(self, count: int) -> None:
        """Waits until these events are due; the first ones are at once."""
        with self._lock:
            start = max(self._clock(), self._next)
            self._next = start + count / self._rate
        self._sleep(max(0.0, start - self._clock()))


class BatchWrites:
    """Writes items, and those again for which DynamoDB had no capacity.

    Args:
        clients: Calls AWS.
        rate: Items a second.
        sleep: Waits for some seconds.
    """

    def __init__(self, clients: AwsClients, rate: float, sleep: Callable[[float], None] = time.sleep) -> None:
        self._clients = clients
        self._pacer = Pacer(rate, sleep)
        self._sleep = sleep

    def write(self, table: str, items: Sequence[Mapping[str, Any]]) -> None:
        """Writes items.

        Args:
            table: Name of the table.
            items: `LIMIT` of them at most, each with a key of its own.

        Raises:
            ClientError: DynamoDB refuses, or still has no capacity for some of them.
            BotoCoreError: DynamoDB cannot be reached.
        """
        left: Sequence[WriteRequestUnionTypeDef] = [{"PutRequest": {"Item": item}} for item in items]
        for attempt in range(TRIES):
            self._pacer.wait(len(left))
            answer = self._clients.dynamodb.batch_write_item(RequestItems={table: left})
            left = answer["UnprocessedItems"].get(table, [])
            if not left:
                return
            self._sleep(random.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt)))  # noqa: S311 - no secret
        raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "BatchWriteItem")
