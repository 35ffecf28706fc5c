"""What follows from the end of a job or a batch: everybody who subscribed is notified."""

from __future__ import annotations

from collections.abc import Callable

from triptych.aws.notifications import Notifier
from triptych.errors import Conflict
from triptych.lifecycle.record import Record, notified
from triptych.lifecycle.store import RecordStore


class Finalizer[Some: Record]:
    """Finalizes jobs, or batches, that have ended. To finalize one again changes nothing.

    Args:
        store: Stores the records.
        notifier: Notifies subscribers.
        clean_up: Deletes what a record that did not succeed has left behind.
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

        Args:
            record: A record with a final status.

        Raises:
            ServiceUnavailable: Something cannot be reached: finalize it again later.
        """
        if self._clean_up is not None:
            self._clean_up(record)
        if record.notified:
            return
        self._notifier.publish(record)
        try:
            self._store.move(record, lambda found: self._marked(found, record.redrives))
        except Conflict:  # somebody else notified, and the record has been redriven since
            return

    def _marked(self, found: Some, redrives: int) -> Some:
        if found.redrives != redrives:
            raise Conflict(f"{found.noun} {found.id} was redriven: this end is another one")
        return notified(found)
