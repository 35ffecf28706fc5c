"""Reads a bucket by obstore, which starts in 20 ms where boto3 takes 200: for what a first request waits for.

boto3 reads instead, from then on, where obstore cannot: a key that is no plain path (`a//b`), a bucket of
another region.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from obstore import exceptions as obstore
from obstore.store import S3Store

from triptych.aws.failures import Failures, reason_of
from triptych.aws.objects import CHUNK, TRIES, StoredObject, download

if TYPE_CHECKING:
    from botocore.session import Session
    from obstore import ObjectMeta
    from obstore.store import S3Credential

    from triptych.aws.bucket import Bucket

LOGGER = logging.getLogger("triptych")

_CODE = re.compile("<Code>(.*?)</Code>")
_OTHER_REGION = re.compile("<Code>AuthorizationHeaderMalformed</Code>|Received redirect without LOCATION")
_DOCUMENT_TIME, _RANGE_TIME = timedelta(seconds=5), timedelta(seconds=60)
_RETRIES: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=16)}  # as boto3's clients have them
_CREDENTIAL_TIME = timedelta(minutes=15)  # after that boto3 is asked again, which renews them


class _NotForObstore(Exception):
    """boto3 has to read this bucket."""


class BucketReader:
    """Reads a bucket. Every method raises what `failures` say when S3 is out of reach.

    `by_boto3` makes what reads it instead, where obstore cannot.
    """

    def __init__(self, name: str, failures: Failures, by_boto3: Callable[[], Bucket]) -> None:
        self.name = name
        self._failures = failures
        self._by_boto3 = by_boto3
        self._instead: Bucket | None = None
        self._session = None if "AWS_ACCESS_KEY_ID" in os.environ else _session()

    def list(self, prefix: str) -> Sequence[StoredObject]:
        """Lists objects in the order of keys, with one request for each thousand."""
        return self._read(lambda: self._listed(prefix), lambda bucket: [*bucket.list(prefix)])

    def folders(self, prefix: str) -> Sequence[str]:
        """Lists the folders right below a prefix, without slashes."""
        return self._read(lambda: self._folders(prefix), lambda bucket: [*bucket.folders(prefix)])

    def get(self, key: str) -> bytes | None:
        """Reads a small object; None when there is none."""
        return self._read(lambda: self._get(key), lambda bucket: bucket.get(key))

    def download(self, files: Mapping[Path, StoredObject]) -> None:
        """Downloads objects to files, all at once, each in parallel ranges of its generation.

        Raises:
            OSError: A file cannot be written.
        """
        self._read(lambda: download(self._write, files), lambda bucket: bucket.download(files))

    def _read[R](self, quickly: Callable[[], R], surely: Callable[[Bucket], R]) -> R:
        if self._instead is None:
            try:
                with self._errors():
                    return quickly()
            except _NotForObstore as error:
                LOGGER.warning("%s by obstore, and is read by boto3: %s", self._failures.message, error)
                self._instead = self._by_boto3()
        return surely(self._instead)

    def _listed(self, prefix: str) -> Sequence[StoredObject]:
        return [_stored(found) for page in self._documents.list(prefix) for found in page]

    def _folders(self, prefix: str) -> Sequence[str]:
        return [
            path.rpartition("/")[2] for path in self._documents.list_with_delimiter(prefix)["common_prefixes"]
        ]

    def _get(self, key: str) -> bytes | None:
        try:
            return bytes(self._documents.get(key).bytes())
        except FileNotFoundError as error:
            if _code(error) != "NoSuchKey":
                raise
            return None

    def _write(self, file: BinaryIO, found: StoredObject, span: range) -> None:
        """Writes a range of an object into a file; asks again where the answer breaks off."""
        options: Any = {"range": (span.start, span.stop), "if_match": f'"{found.etag}"'}
        for left in reversed(range(TRIES)):
            file.seek(span.start)
            try:
                file.writelines(self._files.get(found.key, options=options).stream(min_chunk_size=CHUNK))
            except obstore.GenericError as error:
                if _code(error) or not left:
                    raise
            else:
                return

    @cached_property
    def _documents(self) -> S3Store:
        return self._store(_DOCUMENT_TIME)

    @cached_property
    def _files(self) -> S3Store:
        return self._store(_RANGE_TIME)

    def _store(self, timeout: timedelta) -> S3Store:
        """Makes a client, whose answers may take `timeout` with all of their content.

        Without credentials in the environment, boto3 finds them and the region.
        """
        found: Any = {}
        if self._session is not None:
            found = {
                "credential_provider": partial(_credentials, self._session),
                "region": self._session.get_config_variable("region"),
            }
        return S3Store(
            self.name,
            client_options={"allow_http": True, "connect_timeout": timedelta(seconds=2), "timeout": timeout},
            retry_config=_RETRIES,
            **found,
        )

    @contextmanager
    def _errors(self) -> Generator[None]:
        """Raises the errors that stand for failures of S3."""
        try:
            yield
        except (obstore.BaseError, FileNotFoundError) as error:
            text = str(error).partition("\n\nDebug source")[0]
            if isinstance(error, obstore.InvalidPathError) or _OTHER_REGION.search(text):
                raise _NotForObstore(text) from error
            LOGGER.warning("%s: %s", self._failures.message, text)
            raise self._failures.error_for(_code(error), _reason(error)) from error


def _stored(found: ObjectMeta) -> StoredObject:
    etag, modified = (found["e_tag"] or "").strip('"'), round(found["last_modified"].timestamp() * 1000)
    return StoredObject(found["path"], found["size"], etag, None, modified)


def _session() -> Session:
    """Makes what finds credentials wherever boto3 does: in a snapshot of Lambda, or on one's own machine."""
    from botocore.session import Session  # noqa: PLC0415 - takes longer to import than the rest of a function

    return Session()


def _credentials(session: Session) -> S3Credential:
    found = session.get_credentials()
    if found is None:
        raise LookupError("there are none")
    frozen = found.get_frozen_credentials()
    return {
        "access_key_id": str(frozen.access_key),
        "secret_access_key": str(frozen.secret_key),
        "token": frozen.token,
        "expires_at": datetime.now(UTC) + _CREDENTIAL_TIME,
    }


def _code(error: Exception) -> str:
    """Returns the code of what S3 answered; empty when it did not answer."""
    found = _CODE.search(str(error))
    return found[1] if found else ""


def _reason(error: Exception) -> str:
    if isinstance(error, obstore.UnauthenticatedError) and not _code(error):
        return "there are no credentials for it"
    return reason_of(_code(error)) if _code(error) else "it does not answer in time"
