"""Deploys the built application to an emulator, with the same command that deploys it to AWS."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from local.aws import Aws, environment
from local.build import BUILD, ROOT, TEMPLATE
from local.failure import LocalFailure, tail
from local.gateway import apply_gateway_responses
from local.stack import StackInfo, describe

STACK_NAME = "triptych"
READY_SECONDS = 20

LOCAL_PARAMETERS = {
    # The emulator unpacks layers beside the function, not into /opt.
    "ModelDirectory": str(BUILD / "ModelsLayer" / "models"),
    "ModelFilesDirectory": str(BUILD / "ModelFilesLayer" / "models"),
    # A model that was just put into the bucket is to be seen at once.
    "ModelRefreshSeconds": "2",
    # Every environment is a process that starts for many seconds here, the more the longer.
    "JobMaxConcurrency": "2",
    "BatchUploadConcurrency": "2",
    "BatchMaxConcurrency": "2",
    # Files of a few megabytes go the way that large ones go.
    "BatchDirectBytes": "1048576",
    "BatchChunkBytes": "1048576",
    # What is tried again here is seldom worth waiting for.
    "JobRetrySeconds": "1",
}


def deploy(aws: Aws, log: Path, parameters: Mapping[str, str] = LOCAL_PARAMETERS) -> StackInfo:
    """Deploy, and wait until the function is ready.

    Args:
        aws: The clients of the emulator.
        log: The file that the output of `sam deploy` goes to.
        parameters: Values of the template's parameters, where they differ from its defaults.

    Returns:
        The deployed stack.

    Raises:
        LocalFailure: Nothing was built, the deployment failed, or the function is not ready in time.
    """
    if not TEMPLATE.exists():
        raise LocalFailure("nothing was built: run make build")
    _sam_deploy(aws, log, parameters)
    stack = describe(aws, STACK_NAME)
    apply_gateway_responses(aws, stack)
    _wait_until_ready(stack)
    return stack


def _sam_deploy(aws: Aws, log: Path, parameters: Mapping[str, str]) -> None:
    command = [
        str(Path(sys.executable).with_name("sam")),
        "deploy",
        *("--template-file", str(TEMPLATE)),
        *("--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local"),
        *("--parameter-overrides", *(f"{name}='{value}'" for name, value in parameters.items())),
    ]
    with log.open("w") as output:
        result = subprocess.run(  # noqa: S603 - SAM's own command line, no shell
            command,
            env=environment() | {"AWS_ENDPOINT_URL": aws.endpoint_url},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if result.returncode:
        raise LocalFailure(f"sam deploy failed; the end of {log}:\n{tail(log)}")


def _wait_until_ready(stack: StackInfo) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        answer = httpx.get(f"{stack.api_url}/v2/health/ready", timeout=30, trust_env=False)
        if answer.is_success:
            return
        if time.monotonic() > deadline:
            raise LocalFailure(f"the function is not ready: {answer.status_code} {answer.text}")
        time.sleep(0.5)
