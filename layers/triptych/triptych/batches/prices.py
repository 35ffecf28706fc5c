"""What AWS charges: list prices of us-east-1 as of November 2026, in US dollars, without free tiers.

Estimates are made of them; bills are not. Look them up before you rely on them.
"""

from __future__ import annotations

from typing import Final

_MILLION: Final = 1_000_000

LAMBDA_GB_SECOND: Final = 0.0000166667
LAMBDA_REQUEST: Final = 0.20 / _MILLION
S3_PUT: Final = 5.0 / _MILLION  # also a part of an upload, a copy, a list
S3_GET: Final = 0.40 / _MILLION
DYNAMODB_WRITE: Final = 0.625 / _MILLION  # of 1 KB, on demand
DYNAMODB_READ: Final = 0.125 / _MILLION  # of 4 KB, on demand; consistent
STEP_FUNCTIONS_TRANSITION: Final = 25.0 / _MILLION  # Standard workflows, children of a map included
SNS_AND_EVENTBRIDGE: Final = 1.50 / _MILLION  # one message each
