"""Every failure that a caller of Triptych can meet, with its HTTP status.

```
TriptychError                    500  a fault of ours, of which the log tells more
├── BadRequest                   400  the request is not what the protocol or the model asks for
│   ├── BadField                 400  a field of a request in JSON is wrong
│   ├── RowError                 400  a row is wrong, or does not fit the rows beside it
│   │   └── BadRows              400  some rows are wrong, whatever stands beside them
│   └── NotUtf8                  400  text is not UTF-8
├── NotFound                     404  no such model, version or path
├── MethodNotAllowed             405  the path exists, the method does not
├── NotAcceptable                406  no offered content type is accepted
├── Conflict                     409  the state of a job does not allow it
├── PayloadTooLarge              413  request or answer exceeds what one call can carry, or memory
│   └── TooLargeToCarry          413  there is memory for it, and one call of a function cannot carry it
├── UnsupportedMediaType         415  content type or encoding that is not read here
├── NotSupported                 501  a part of the protocol, or of ONNX, that is not served
├── ModelUnavailable             503  the model is there but cannot be loaded now
│   └── ModelLoading             503  the model is being loaded, which goes on with the next request
├── RepositoryUnavailable        503  a storage backend of the model repository cannot be read now
├── ServiceUnavailable           503  a queue, table or bucket that jobs need does not answer now
└── DeadlineExceeded             504  the answer was not ready in time
```

The message goes to the caller as it stands: it says which part of the request is meant, what was
expected and what came, and never holds a path, a key or a payload. One ``except`` at the edge
turns the error into an answer. `retryable` errors may be gone when the same is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

NO_MEMORY = "needs more memory than the function has; send less at once"
"""Message of what is refused because Python itself gets no more memory."""


class TriptychError(Exception):
    """A failure with a message for the caller.

    Attributes:
        kind: What the failure is called in records, answers and logs, such as `BadRequest`.
        status: HTTP status code of the answer.
        retryable: Whether the same request may succeed later.
        retry_after: Seconds after which it likely does; None where that is not known.
    """

    kind = "InternalError"
    status = 500
    retryable = False
    retry_after: int | None = None


class BadRequest(TriptychError):
    """The request is not what the protocol or the model asks for."""

    kind = "BadRequest"
    status = 400


class BadField(BadRequest):
    """A field of a request in JSON is wrong.

    Args:
        field: Its name.
        reason: What is wrong with it.

    Attributes:
        field: The same.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


class RowError(BadRequest):
    """A row is wrong, or does not fit the rows beside it.

    Args:
        row: Its number, from 1, among the rows that are read together.
        reason: What is wrong with it.
        link: What stands between the two in the message.

    Attributes:
        row: The same.
        reason: The same.
    """

    def __init__(self, row: int, reason: str, link: str = ": ") -> None:
        super().__init__(f"row {row}{link}{reason}")
        self.row = row
        self.reason = reason
        self._link = link

    def after(self, rows: int) -> RowError:
        """Returns the error for a file in which so many rows stand before those that were read together."""
        return RowError(self.row + rows, self.reason, self._link)


class BadRows(RowError):
    """Some rows are wrong, whatever stands beside them.

    Args:
        reasons: What is wrong with each, by its number from 1; the message is about the first.
        link: What stands between number and reason in the message.

    Attributes:
        reasons: The same.
    """

    def __init__(self, reasons: Mapping[int, str], link: str = ": ") -> None:
        first = min(reasons)
        super().__init__(first, reasons[first], link)
        self.reasons = reasons

    def after(self, rows: int) -> BadRows:
        """Returns the error for a file in which so many rows stand before these."""
        return BadRows({row + rows: reason for row, reason in self.reasons.items()}, self._link)


class NotUtf8(BadRequest):
    """Text is not UTF-8.

    Args:
        byte: Position of the first byte that cannot be read.

    Attributes:
        byte: The same.
    """

    def __init__(self, byte: int) -> None:
        super().__init__(f"the body is not UTF-8: byte {byte} cannot be read")
        self.byte = byte


class NotFound(TriptychError):
    """There is no such model, version or path."""

    kind = "NotFound"
    status = 404


class MethodNotAllowed(TriptychError):
    """The path exists, but not with this method."""

    kind = "MethodNotAllowed"
    status = 405


class NotAcceptable(TriptychError):
    """None of the content types that the caller accepts is offered."""

    kind = "NotAcceptable"
    status = 406


class Conflict(TriptychError):
    """The state of a job does not allow what is asked for."""

    kind = "Conflict"
    status = 409


class PayloadTooLarge(TriptychError):
    """The request or its answer exceeds what one call can carry."""

    kind = "PayloadTooLarge"
    status = 413


class TooLargeToCarry(PayloadTooLarge):
    """There is memory for the request or its answer, and one call of a function cannot carry it."""


class UnsupportedMediaType(TriptychError):
    """The content type or encoding of the request is not read here."""

    kind = "UnsupportedMediaType"
    status = 415


class NotSupported(TriptychError):
    """A part of the protocol, or of ONNX, that is not served."""

    kind = "NotSupported"
    status = 501


class ModelUnavailable(TriptychError):
    """The model version exists, but cannot be loaded now."""

    kind = "ModelUnavailable"
    status = 503
    retryable = True


class ModelLoading(ModelUnavailable):
    """The model version is being loaded, and the time of the request is over."""

    kind = "ModelLoading"
    retry_after = 2  # work goes on only while there are requests


class RepositoryUnavailable(TriptychError):
    """A storage backend of the model repository cannot be read now."""

    kind = "RepositoryUnavailable"
    status = 503
    retryable = True


class ServiceUnavailable(TriptychError):
    """A queue, table or bucket that jobs need does not answer now."""

    kind = "ServiceUnavailable"
    status = 503
    retryable = True


class DeadlineExceeded(TriptychError):
    """The answer was not ready before the function's time ran out."""

    kind = "DeadlineExceeded"
    status = 504
    retryable = True


def error_named(name: str) -> Callable[[str], TriptychError]:
    """Returns what makes an error of a class, by its name; of one that is not here, an internal error."""
    found = next((kind for kind in _all(TriptychError) if kind.__name__ == name), TriptychError)
    return BadRequest if issubclass(found, BadField | RowError | NotUtf8) else found


def _all(kind: type[TriptychError]) -> Iterator[type[TriptychError]]:
    for known in kind.__subclasses__():
        yield known
        yield from _all(known)
