"""What goes wrong with a bucket of models."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from triptych.adapters.aws_errors import AWS_FAILURES, GONE, LOGGER, error_code, reason
from triptych.errors import ModelUnavailable, RepositoryUnavailable


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
