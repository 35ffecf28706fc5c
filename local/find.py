"""Finds the stack that a command is about."""

import os

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import Aws
from local.failure import LocalFailure
from local.stack import StackInfo, describe
from local.up import STACK_FILE


def find(stack_name: str | None) -> StackInfo:
    """Find a stack.

    Args:
        stack_name: A stack of the account that the environment names, or of the emulator that
            AWS_ENDPOINT_URL names; None is what `make up` deployed.

    Raises:
        LocalFailure: There is no such stack, or the credentials may not read it.
    """
    if stack_name is None:
        if not STACK_FILE.exists():
            raise LocalFailure("nothing runs here: run make up, or name a stack of your account (STACK=name)")
        return StackInfo.read(STACK_FILE)
    try:
        return describe(Aws(os.environ.get("AWS_ENDPOINT_URL", "")), stack_name)
    except (BotoCoreError, ClientError) as error:
        raise LocalFailure(f"stack {stack_name} cannot be looked up: {error}") from error
