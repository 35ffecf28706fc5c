"""What the endpoints of batches and predictions work with."""

from __future__ import annotations

from typing import NamedTuple

from triptych.aws.stored import Bucket
from triptych.batches.dry_run import DryRun
from triptych.batches.lookup import Lookup
from triptych.batches.service import BatchDesk, BatchSubmitter
from triptych.clock import Clock
from triptych.models.repository import ModelRepository


class BatchServices(NamedTuple):
    """What the endpoints of batches and predictions work with.

    Attributes:
        repository: Knows which models there are.
        submitter: Accepts batches.
        dry_run: Tells what a batch would do.
        desk: Serves callers who have batches.
        lookup: Looks predictions up.
        outputs: Bucket of outputs.
        work: Bucket of long lists of keys, and of what is made on the way.
        clock: Tells the time.
    """

    repository: ModelRepository
    submitter: BatchSubmitter
    dry_run: DryRun
    desk: BatchDesk
    lookup: Lookup
    outputs: Bucket
    work: Bucket
    clock: Clock
