"""Executions of a state machine of Step Functions."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import ClientError

from triptych.aws.clients import AwsClients
from triptych.aws.errors import except_codes, reaching
from triptych.protocol.json_document import dump

STATE_MACHINE: Final = "the state machine of batches"


class Workflow:
    """Starts and stops executions; doing so again changes nothing.

    Every method raises `ServiceUnavailable` when the state machine cannot be reached.
    """

    def __init__(self, clients: AwsClients, state_machine_arn: str) -> None:
        self._clients = clients
        self._state_machine_arn = state_machine_arn

    def start(self, execution: str, batch_id: str) -> None:
        """Starts an execution; nothing is done when one with that name was started before."""
        with reaching(STATE_MACHINE):
            try:
                self._clients.stepfunctions.start_execution(
                    stateMachineArn=self._state_machine_arn,
                    name=execution,
                    input=dump({"batch": batch_id}).decode(),
                )
            except ClientError as error:
                except_codes({"ExecutionAlreadyExists"}, error)

    def stop(self, execution: str) -> None:
        """Stops an execution; nothing is done when it has ended, or never was."""
        arn = self._state_machine_arn.replace(":stateMachine:", ":execution:")
        with reaching(STATE_MACHINE):
            try:
                self._clients.stepfunctions.stop_execution(
                    executionArn=f"{arn}:{execution}", error="Cancelled", cause="the batch was cancelled"
                )
            except ClientError as error:
                except_codes({"ExecutionDoesNotExist"}, error)
