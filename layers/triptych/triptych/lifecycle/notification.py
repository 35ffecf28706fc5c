"""What notifications of jobs and of batches have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping

from triptych.aws.notifications import Notification
from triptych.clock import moment
from triptych.errors import BadRequest
from triptych.lifecycle.record import Record

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
    """Returns the fields that all notifications have.

    Args:
        record: A record with a final status.
        source: Who notifies, such as `triptych.jobs`.
        name: Name of the event.
        region: AWS region that it happened in.
    """
    return {
        "awsRegion": region,
        "eventVersion": "1.0",
        "eventSource": source,
        "eventName": name,
        "receivedTime": moment(record.created),
        "eventTime": moment(record.ended or record.created),
    }


def notification_of(record: Record, source: str, kind: str, message: Mapping[str, object]) -> Notification:
    """Returns the notification of the end of a record, with the attributes that subscribers filter by.

    Args:
        record: A record with a final status.
        source: Who notifies, such as `triptych.jobs`.
        kind: What happened, such as `Job succeeded`.
        message: The notification.
    """
    attributes = {"status": record.status.value, "model": record.model, "target": record.target}
    return Notification(source, kind, record.model, message, attributes)
