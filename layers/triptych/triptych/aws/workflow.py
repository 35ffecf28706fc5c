"""The state machine that large batches run on.

Every method raises `ServiceUnavailable` when it cannot be reached.

Executions of the state machine that large batches run on, in Step Functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import ClientError

from triptych.aws.clients import AwsClients
from triptych.aws.errors import error_code, reaching
from triptych.protocol.json_document import dump

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Workflow(Protocol):
    """Runs batches."""

    def start(self, execution: str, batch_id: str) -> None:
        """Starts an execution; nothing is done when one with that name was started before."""
        ...

    def stop(self, execution: str) -> None:
        """Stops an execution; nothing is done when it has ended, or never was."""
        ...


STATE_MACHINE: Final = "the state machine of batches"


class StepFunctions:
    """Starts and stops executions; doing so again changes nothing.

    Args:
        clients: Calls AWS.
        state_machine_arn: ARN of the state machine.
    """

    def __init__(self, clients: AwsClients, state_machine_arn: str) -> None:
        self._clients = clients
        self._state_machine_arn = state_machine_arn

    @property
    def _client(self) -> SFNClient:
        return self._clients.stepfunctions

    def start(self, execution: str, batch_id: str) -> None:
        """Starts an execution; nothing is done when one with that name was started before.

        Raises:
            ServiceUnavailable: The state machine cannot be reached.
        """
        with reaching(STATE_MACHINE):
            try:
                self._client.start_execution(
                    stateMachineArn=self._state_machine_arn,
                    name=execution,
                    input=dump({"batch": batch_id}).decode(),
                )
            except ClientError as error:
                _pass_over(error, "ExecutionAlreadyExists")

    def stop(self, execution: str) -> None:
        """Stops an execution; nothing is done when it has ended, or never was.

        Raises:
            ServiceUnavailable: The state machine cannot be reached.
        """
        arn = self._state_machine_arn.replace(":stateMachine:", ":execution:")
        with reaching(STATE_MACHINE):
            try:
                self._client.stop_execution(
                    executionArn=f"{arn}:{execution}", error="Cancelled", cause="the batch was cancelled"
                )
            except ClientError as error:
                _pass_over(error, "ExecutionDoesNotExist")


def _pass_over(error: ClientError, code: str) -> None:
    if error_code(error) != code:
        raise error
