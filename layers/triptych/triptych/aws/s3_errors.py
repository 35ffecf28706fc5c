"""What goes wrong with a bucket of models.

What goes wrong with the objects of batches.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from triptych.aws.clients import AWS_FAILURES, GONE, LOGGER, error_code, reason, unavailable
from triptych.errors import BadRequest, Conflict, ModelUnavailable, RepositoryUnavailable


@contextmanager
def s3_errors() -> Generator[None]:
    """Tells what S3 and its client raise as errors of the repository.

    Raises:
        ModelUnavailable: An object was changed or removed since it was listed.
        RepositoryUnavailable: The bucket cannot be read now.
    """
    try:
        yield
    except AWS_FAILURES as error:
        LOGGER.warning("model bucket: %s", error)
        if error_code(error) in GONE:
            raise ModelUnavailable("changed while it was being read; try again") from error
        raise RepositoryUnavailable(f"a bucket of models cannot be read: {reason(error)}") from error


STORE = "the store of files"
_OTHER = GONE | {"NoSuchVersion"}
_ARCHIVED = "InvalidObjectState"


@contextmanager
def known_generation() -> Generator[None]:
    """Tells what S3 and its client raise where one generation of an object is read or copied.

    Raises:
        BadRequest: It is archived.
        Conflict: It was replaced or removed.
        ServiceUnavailable: S3 cannot be reached.
    """
    try:
        yield
    except AWS_FAILURES as error:
        LOGGER.warning("%s: %s", STORE, error)
        code = error_code(error)
        if code in _OTHER:
            raise Conflict("the file was replaced or removed since it was looked up") from error
        if code == _ARCHIVED:
            raise BadRequest("the file is archived; restore it, and try again") from error
        raise unavailable(STORE, error) from error
