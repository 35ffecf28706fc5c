"""The events of batches in `events/`, each given to its function in a Lambda container."""

from collections.abc import Iterator

import pytest

from local.stack import StackInfo
from tests.support import batch_events
from tests.support.dropped_files import DroppedFiles
from tests.support.job_events import Invoke


@pytest.fixture
def stack_files(stack: StackInfo) -> Iterator[DroppedFiles]:
    """Files of the stack."""
    with DroppedFiles(stack) as files:
        yield files


def test_upload(invoke: Invoke, stack_files: DroppedFiles) -> None:
    """The event of S3 transforms a real object."""
    batch_events.check_upload(invoke, stack_files)


def test_steps(invoke: Invoke, stack_files: DroppedFiles) -> None:
    """Planning, transforming and ending: each function does its step."""
    batch_events.check_steps(invoke, stack_files)


def test_requests(invoke: Invoke) -> None:
    """The function of HTTP answers."""
    batch_events.check_requests(invoke)
