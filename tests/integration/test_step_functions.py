"""Executions of the state machine: started once, stopped at any time."""

import json

import pytest
from triptych.aws.clients import AwsClients
from triptych.aws.workflow import Workflow
from triptych.errors import ServiceUnavailable

from tests.integration.outages import NO_ANSWER, refusing

DEFINITION = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}


@pytest.fixture
def clients(aws: None) -> AwsClients:  # noqa: ARG001 - it is created there
    """Clients of an empty account."""
    return AwsClients()


@pytest.fixture
def machine(clients: AwsClients) -> str:
    """ARN of a state machine that waits."""
    made = clients.stepfunctions.create_state_machine(
        name="batches", definition=json.dumps(DEFINITION), roleArn="arn:aws:iam::123456789012:role/batches"
    )
    return made["stateMachineArn"]


def test_started_once(clients: AwsClients, machine: str) -> None:
    """An execution is given the id of its batch; a second one with its name is not started."""
    workflow = Workflow(clients, machine)
    workflow.start("id-1", "id")
    workflow.start("id-1", "id")
    (execution,) = clients.stepfunctions.list_executions(stateMachineArn=machine)["executions"]
    described = clients.stepfunctions.describe_execution(executionArn=execution["executionArn"])
    assert ("id-1", {"batch": "id"}) == (described["name"], json.loads(described["input"]))


def test_name_of_another_batch(clients: AwsClients, machine: str) -> None:
    """A name that another input was started with counts as started, too."""
    with refusing("StartExecution", "ExecutionAlreadyExists"):
        Workflow(clients, machine).start("id", "id")
    assert [] == clients.stepfunctions.list_executions(stateMachineArn=machine)["executions"]


def test_stopped(clients: AwsClients, machine: str) -> None:
    """An execution is stopped by its name, as often as one likes."""
    workflow = Workflow(clients, machine)
    workflow.start("id", "id")
    workflow.stop("id")
    workflow.stop("id")
    (execution,) = clients.stepfunctions.list_executions(stateMachineArn=machine)["executions"]
    assert "ABORTED" == execution["status"]


def test_never_started(clients: AwsClients, machine: str) -> None:
    """What was never started need not be stopped."""
    Workflow(clients, machine).stop("none")
    assert [] == clients.stepfunctions.list_executions(stateMachineArn=machine)["executions"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [("ThrottlingException", "it asks for fewer requests"), (NO_ANSWER, "it does not answer in time")],
)
def test_outages(clients: AwsClients, machine: str, code: str, reason: str) -> None:
    """A failure that may pass is told as such."""
    workflow = Workflow(clients, machine)
    message = f"the state machine of batches cannot be reached: {reason}"
    with refusing("StartExecution", code), pytest.raises(ServiceUnavailable, match=message):
        workflow.start("id", "id")
    with refusing("StopExecution", code), pytest.raises(ServiceUnavailable, match=message):
        workflow.stop("id")
