"""The finding of a check of the account."""

from collections.abc import Iterator
from typing import Literal

type Level = Literal["ok", "warn", "fail"]

type Finding = tuple[Level, str]
"""How serious it is, and what it is with what to do about it."""

type Findings = Iterator[Finding]
