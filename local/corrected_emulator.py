"""Runs the emulator with five corrections.

- Bodies without a media type. Where an API takes every type as binary (`*/*`), AWS treats a request without
  Content-Type, and a caller without Accept, like any other. The emulator takes such a body for text, which
  destroys binary tensors: the standard clients of the protocol send neither header.
- How many batches run at once. A number that comes from a parameter of the template is a string to the
  emulator, which it then cannot compare: it stops reading any queue. AWS makes a number of it.
- Connections. AWS is called over TLS, and the policies of our buckets, queues and topics refuse all else. The
  emulator is called on this machine only, in plain HTTP: its connections count as encrypted.
- Ranges of versions. Whoever asks for some bytes of a version of an object gets all of it from the emulator.
- Messages in batches. Who may do something with one message of a queue or topic may do it with ten; the
  emulator asks for rights of their own.
"""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, cast

from ministack import app
from ministack.core import iam_actions
from ministack.services import apigateway_v1, lambda_svc, s3

_EVERYTHING = "*/*"


def correct_media_types(gateway: Any) -> None:  # noqa: ANN401 - a module without types
    """Makes the emulated API Gateway treat a missing media type as AWS does.

    Args:
        gateway: The emulator's module for REST APIs.
    """
    matches = gateway._media_type_matches  # noqa: SLF001 - there is no setting for it; the version is pinned

    def corrected(media_type: str | None, binary_types: Iterable[str] | None) -> bool:
        return _EVERYTHING in (binary_types or ()) or cast("bool", matches(media_type, binary_types))

    gateway._media_type_matches = corrected  # noqa: SLF001 - the same


def correct_concurrency(functions: Any) -> None:  # noqa: ANN401 - a module without types
    """Makes the emulated event sources of queues accept a number as a string.

    Args:
        functions: The emulator's module for Lambda.
    """
    concurrency = functions._sqs_esm_concurrency  # noqa: SLF001 - there is no setting for it; the version is pinned

    def corrected(source: Mapping[str, Any], *others: object) -> int:
        scaling = {name: int(value) for name, value in (source.get("ScalingConfig") or {}).items()}
        return cast("int", concurrency({**source, "ScalingConfig": scaling}, *others))

    functions._sqs_esm_concurrency = corrected  # noqa: SLF001 - the same


def correct_connections(application: Any) -> None:  # noqa: ANN401 - a module without types
    """Makes policies treat every connection as encrypted.

    Args:
        application: The emulator's module for requests.
    """
    pin: Callable[[str, bool], None] = application.pin_request_origin

    def corrected(address: str, _encrypted: bool) -> None:  # noqa: FBT001 - the emulator's own signature
        pin(address, True)

    application.pin_request_origin = corrected


def correct_ranges(storage: Any) -> None:  # noqa: ANN401 - a module without types
    """Makes the emulated S3 return the requested bytes of a version.

    Args:
        storage: The emulator's module for S3.
    """
    get = storage._get_object  # noqa: SLF001 - there is no setting for it; the version is pinned

    def corrected(
        bucket: str, key: str, headers: Mapping[str, str], query: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        wanted = headers.get("range")
        if not wanted or not (query or {}).get("versionId"):
            return cast("tuple[int, dict[str, str], bytes]", get(bucket, key, headers, query))
        plain = {
            name: value for name, value in headers.items() if name != "x-amz-checksum-mode"
        }  # of the whole
        status, described, body = get(bucket, key, plain, query)
        found = storage._parse_range(wanted, len(body)) if status == HTTPStatus.OK else None  # noqa: SLF001 - the same
        if found is None:
            return status, described, body
        first, last = found
        part = body[first : last + 1]
        bounds = {"Content-Range": f"bytes {first}-{last}/{len(body)}", "Content-Length": str(len(part))}
        return HTTPStatus.PARTIAL_CONTENT.value, described | bounds, part

    storage._get_object = corrected  # noqa: SLF001 - the same


def correct_rights(actions: Any) -> None:  # noqa: ANN401 - a module without types
    """Applies permissions on messages to batches of messages.

    Args:
        actions: The emulator's module for what requests need a right for.
    """
    extract: Callable[..., str | None] = actions.extract_iam_action

    def corrected(service: str, *request: object) -> str | None:
        action = extract(service, *request)
        return action.removesuffix("Batch") if action and service in {"sns", "sqs"} else action

    actions.extract_iam_action = corrected


if __name__ == "__main__":
    correct_media_types(apigateway_v1)
    correct_concurrency(lambda_svc)
    correct_connections(app)
    correct_ranges(s3)
    correct_rights(iam_actions)
    app.main()
