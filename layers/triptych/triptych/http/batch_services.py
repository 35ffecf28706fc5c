"""What the endpoints of batches and predictions work with."""

from __future__ import annotations

from typing import NamedTuple

from triptych.batch.desk import BatchDesk
from triptych.batch.dry_run import DryRun
from triptych.batch.lookup import Lookup
from triptych.batch.submitter import BatchSubmitter
from triptych.interfaces.clock import Clock
from triptych.interfaces.objects import Bucket
from triptych.serving.repository import ModelRepository


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
