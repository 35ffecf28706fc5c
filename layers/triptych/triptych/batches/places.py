"""Where batches read and write."""

from __future__ import annotations

from typing import NamedTuple

from triptych.aws.bucket import Bucket
from triptych.batches.lookup import PredictionStore


class Places(NamedTuple):
    """Where batches read and write.

    Attributes:
        inputs: Bucket of inputs.
        outputs: Bucket of outputs.
        work: Bucket of plans and parts.
        predictions: Keeps predictions by key.
    """

    inputs: Bucket
    outputs: Bucket
    work: Bucket
    predictions: PredictionStore
