"""The time, as records of jobs hold it."""

from collections.abc import Callable

Clock = Callable[[], int]
"""Gives the milliseconds since 1970."""
