"""What `make destroy` removes, and what it leaves."""

import json

import pytest

from account import destroy as command
from account import stacks
from account.destroy import destroy
from local.failure import LocalFailure
from tests.integration.account_world import AccountWorld


@pytest.fixture
def world(aws: None, monkeypatch: pytest.MonkeyPatch) -> AccountWorld:  # noqa: ARG001 - it is created there
    """An account with a stack, a model in two versions, and a queued job."""
    monkeypatch.setattr(command, "_POLL_SECONDS", 0)
    world = AccountWorld()
    world.create_stack()
    versioning = {"Status": "Enabled"}
    s3 = world.session.client("s3")
    s3.put_bucket_versioning(Bucket=bucket(world), VersioningConfiguration=versioning)  # type: ignore[arg-type]
    for body in (b"x" * 1_000_000, b"y" * 1_000_000):
        s3.put_object(Bucket=bucket(world), Key="models/a/1/model.onnx", Body=body)
    found = stacks.find(world.session, "shop")
    assert found
    queue = stacks.resources(world.session, found, "AWS::SQS::Queue")["JobsQueue"]
    world.session.client("sqs").send_message(QueueUrl=queue, MessageBody="a job")
    return world


def bucket(world: AccountWorld) -> str:
    """The name of the bucket of models."""
    names = [found["Name"] for found in world.session.client("s3").list_buckets()["Buckets"]]
    return next(name for name in names if name.startswith("shop-modelbucket-"))


def answering(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Has a person at the terminal answer every question so."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda: answer)


def test_the_stack_goes_and_its_buckets_stay(world: AccountWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes is said before, what stays is measured, and is there afterwards."""
    answering(monkeypatch, "shop")

    destroy(world.console, world.session, "shop", yes=False, data=False)

    assert stacks.find(world.session, "shop") is None
    assert "messages in JobsQueue: 1" in world.said()
    assert f"{bucket(world)}  models: 2 objects, 2.0 MB, $0.00 a month" in world.said()
    assert "DATA=1 deletes the buckets" in world.said()
    assert world.session.client("s3").head_object(Bucket=bucket(world), Key="models/a/1/model.onnx")


@pytest.mark.parametrize("answer", ["", "yes", "shop2"])
def test_nothing_goes_without_the_name(
    world: AccountWorld, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """Enter is no consent."""
    answering(monkeypatch, answer)

    with pytest.raises(LocalFailure, match="nothing was removed"):
        destroy(world.console, world.session, "shop", yes=False, data=True)

    assert stacks.find(world.session, "shop")
    assert bucket(world)


def test_nothing_goes_without_a_terminal(world: AccountWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can answer there, and YES=1 is named."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)

    with pytest.raises(LocalFailure, match="YES=1"):
        destroy(world.console, world.session, "shop", yes=False, data=False)

    assert stacks.find(world.session, "shop")


def test_data_goes_where_that_is_wanted(world: AccountWorld) -> None:
    """Buckets go with every version of what is in them, whether the stack is there or gone."""
    destroy(world.console, world.session, "shop", yes=True, data=False)
    destroy(world.console, world.session, "shop", yes=True, data=True)

    assert [] == world.session.client("s3").list_buckets()["Buckets"]
    with pytest.raises(LocalFailure, match="no stack shop in us-east-1, and no bucket of one"):
        destroy(world.console, world.session, "shop", yes=True, data=True)


def test_batches_that_run_are_stopped(world: AccountWorld) -> None:
    """A state machine with executions stays until they have ended, for hours."""
    client = world.session.client("stepfunctions")
    machine = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]

    def refuse(**_: object) -> None:
        raise LocalFailure("not now")

    world.session.events.register("before-call.cloudformation.DeleteStack", refuse)

    with pytest.raises(LocalFailure, match="not now"):
        destroy(world.console, world.session, "shop", yes=True, data=False)

    assert "batches that run, and are stopped: 1" in world.said()
    assert "ABORTED" == client.describe_execution(executionArn=execution)["status"]


def test_a_stack_of_something_else_stays(world: AccountWorld) -> None:
    """A mistyped name costs nothing."""
    world.session.client("cloudformation").create_stack(
        StackName="other", TemplateBody=json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    )

    with pytest.raises(LocalFailure, match="not made from this template"):
        destroy(world.console, world.session, "other", yes=True, data=True)

    assert stacks.find(world.session, "other")


def test_log_groups_and_roles_that_stay_are_named(world: AccountWorld) -> None:
    """A log group that is left over would stop the next deployment."""
    world.session.client("logs").create_log_group(logGroupName="/aws/lambda/shop-realtime")
    world.answer("apigateway.GetAccount", 200, {"cloudwatchRoleArn": "arn:aws:iam::1:role/logs"})

    destroy(world.console, world.session, "shop", yes=True, data=False)

    assert "delete-log-group --log-group-name /aws/lambda/shop-realtime" in world.said()
    assert "arn:aws:iam::1:role/logs stays" in world.said()
