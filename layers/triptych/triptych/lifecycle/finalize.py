"""The end of a job or a batch: those who wait for it see it, and everybody who subscribed is notified."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence

from triptych.aws.notifications import Notification, Notifier
from triptych.clock import Deadline, moment
from triptych.errors import BadRequest, Conflict
from triptych.lifecycle.record import Record, notified
from triptych.lifecycle.store import RecordStore

_TARGET = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def target(value: object) -> str | None:
    """Checks a target, the label by which subscribers filter notifications; None where there is none.

    Raises:
        BadRequest: It is not such a label.
    """
    if value is None:
        return None
    if not isinstance(value, str) or not _TARGET.fullmatch(value):
        raise BadRequest(
            f"target: expected 1 to 64 letters, digits, '_', '-' and '.', got {str(value)[:64]!r}"
        )
    return value


def event_of(record: Record, source: str, name: str, region: str) -> dict[str, object]:
    """Returns the fields that the notifications of all ends have; `source` is such as `triptych.jobs`."""
    return {
        "awsRegion": region,
        "eventVersion": "1.0",
        "eventSource": source,
        "eventName": name,
        "receivedTime": moment(record.created),
        "eventTime": moment(record.ended or record.created),
    }


def notification_of(record: Record, source: str, kind: str, message: Mapping[str, object]) -> Notification:
    """Returns the notification of an end, with the attributes that subscribers filter by."""
    attributes = {"status": record.status.value, "model": record.model, "target": record.target}
    return Notification(source, kind, record.model, message, attributes)


_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
"""Seconds between two reads: most of what is waited for ends soon, or takes long."""


def wait_until_final[Some: Record](read: Callable[[], Some], deadline: Deadline) -> Some:
    """Returns a record as soon as it has ended, or as it is at the deadline."""
    pause = _FIRST_PAUSE
    found = read()
    while not found.final and deadline.remaining > 0:
        time.sleep(min(pause, deadline.remaining))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        found = read()
    return found


def at_most_every(seconds: float, check: Callable[[], object]) -> Callable[[], None]:
    """Returns what makes a check whenever it is called, but not until so many seconds after the last one."""
    last = time.monotonic()

    def look() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            check()
            last = time.monotonic()

    return look


class Finalizer[Some: Record]:
    """Finalizes jobs, or batches, that have ended. To finalize one again changes nothing.

    `clean_up` deletes what a record that did not succeed has left behind.
    """

    def __init__(
        self,
        store: RecordStore[Some],
        notifier: Notifier[Some],
        clean_up: Callable[[Some], None] | None = None,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._clean_up = clean_up

    def finalize(self, record: Some) -> None:
        """Cleans up, and notifies subscribers if nobody did.

        A crash between the notification and its mark makes it twice; it is never left out.

        Raises:
            ServiceUnavailable: Something cannot be reached: finalize it again later.
        """
        if self._clean_up is not None:
            self._clean_up(record)
        if record.notified:
            return
        self._notifier.publish([record])
        try:
            self._store.move(record, lambda found: self._marked(found, record.redrives))
        except Conflict:  # somebody else notified, and the record has been redriven since
            return

    def publish(self, records: Sequence[Some]) -> None:
        """Notifies of `MAX_ENDS` ends at most, and notes nothing: if it fails, finalize them later.

        Raises:
            ServiceUnavailable: Some subscribers may not have been notified of some ends.
        """
        self._notifier.publish(records)

    def _marked(self, found: Some, redrives: int) -> Some:
        if found.redrives != redrives:
            raise Conflict(f"{found.noun} {found.id} was redriven: this end is another one")
        return notified(found)
