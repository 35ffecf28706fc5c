"""AWS that refuses, or does not answer."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ConnectTimeoutError

NO_ANSWER = "no answer"


@contextmanager
def refusing(operation: str, code: str, times: int = 1_000_000) -> Generator[None]:
    """Refuses an operation of AWS.

    Args:
        operation: Its name, such as `PutObject`.
        code: The code of the error; `NO_ANSWER` for none.
        times: How many calls are refused.
    """
    left = [times]
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001 - the one place that all calls pass

    def refuse(client: BaseClient, name: str, parameters: dict[str, Any]) -> object:
        if name != operation or not left[0]:
            answer: object = call(client, name, parameters)
            return answer
        left[0] -= 1
        if code == NO_ANSWER:
            raise ConnectTimeoutError(endpoint_url="https://secret-name.example")
        raise ClientError({"Error": {"Code": code, "Message": "secret-name"}}, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", refuse)
        yield
