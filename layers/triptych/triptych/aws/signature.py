"""AWS Signature Version 4, of requests with a body in memory.

botocore's takes 70 times as long to import, before the first request of a function.
https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """Who signs: access key id, secret access key, session token; that is empty for a user's own keys."""

    key: str
    secret: str
    token: str = ""


class EnvironmentCredentials:
    """The credentials of the function: in its environment, or renewed by botocore where they are not.

    Lambda restores functions from a snapshot without them, because they would have expired.
    """

    def __init__(self) -> None:
        self._renewed: Any = None

    def __call__(self) -> Credentials:
        """Returns the credentials that are valid now."""
        if key := os.environ.get("AWS_ACCESS_KEY_ID"):
            secret, token = os.environ["AWS_SECRET_ACCESS_KEY"], os.environ.get("AWS_SESSION_TOKEN", "")
            return Credentials(key, secret, token)
        if self._renewed is None:
            from botocore.session import Session  # noqa: PLC0415 - takes longer than all else here

            self._renewed = Session().get_credentials()
        frozen = self._renewed.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token or "")


class Scope(NamedTuple):
    """What a signature is for: a region, and a service as its signatures name it, such as `lambda`."""

    region: str
    service: str


class Post(NamedTuple):
    """What is signed: a POST without a query.

    Attributes:
        host: Host, with its port where that is not the scheme's own.
        path: Path as it is sent, percent-encoded.
    """

    host: str
    path: str
    body: bytes


def signed(post: Post, credentials: Credentials, scope: Scope, now: datetime | None = None) -> dict[str, str]:
    """Returns the headers that sign a request."""
    moment = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": post.host, "x-amz-date": moment}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    scoped = f"{moment[:8]}/{scope.region}/{scope.service}/aws4_request"
    request = hashlib.sha256(_canonical(post, headers).encode()).hexdigest()
    signature = hmac.digest(
        _key(credentials.secret, scoped), f"{_ALGORITHM}\n{moment}\n{scoped}\n{request}".encode(), "sha256"
    ).hex()
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.key}/{scoped}, "
        f"SignedHeaders={';'.join(headers)}, Signature={signature}"
    )
    return headers


def _canonical(post: Post, headers: Mapping[str, str]) -> str:
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    content = hashlib.sha256(post.body).hexdigest()
    # Every service but S3 encodes the path that is sent once more.
    return "\n".join(("POST", quote(post.path), "", lines, ";".join(headers), content))


def _key(secret: str, scoped: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scoped.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
