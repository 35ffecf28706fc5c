"""What `make preflight` says of an account."""

import boto3
import pytest

from account import stacks
from account.plan import Plan
from account.preflight import preflight
from tests.integration.account_world import AccountWorld

ROLE = "arn:aws:iam::123456789012:role/logs"


@pytest.fixture
def world(aws: None) -> AccountWorld:  # noqa: ARG001 - it is created there
    """An account with nothing in it."""
    return AccountWorld()


def passes(world: AccountWorld, plan: Plan | None = None) -> bool:
    """Runs preflight."""
    return preflight(world.console, world.session, plan or world.plan())


def test_an_empty_account_passes(world: AccountWorld) -> None:
    """Account, region, what is created and what it costs are named, and nothing is wrong."""
    assert passes(world)

    for text in ("123456789012 in us-east-1", "it is created", "none is registered", "a month"):
        assert text in world.said()
    assert "warn" not in world.said()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("s" * 51, "51 characters"), ("two words", "letters, digits"), ("1st", "a letter first")],
)
def test_a_name_that_resources_cannot_carry_fails(world: AccountWorld, name: str, reason: str) -> None:
    """It would fail after minutes, with the first function."""
    assert not passes(world, world.plan(name))
    assert reason in world.said()


@pytest.mark.parametrize(
    ("status", "passed", "what_to_do"),
    [
        ("UPDATE_COMPLETE", True, "keeps its parameters"),
        ("UPDATE_ROLLBACK_COMPLETE", True, "keeps its parameters"),
        ("ROLLBACK_COMPLETE", False, "make destroy STACK=shop"),
        ("DELETE_FAILED", False, "make destroy STACK=shop"),
        ("UPDATE_ROLLBACK_FAILED", False, "continue-update-rollback --stack-name shop"),
        ("UPDATE_IN_PROGRESS", False, "wait"),
    ],
)
def test_the_state_of_a_stack_says_how_to_go_on(
    world: AccountWorld, *, status: str, passed: bool, what_to_do: str
) -> None:
    """A stack that cannot be updated is not tried."""
    values = dict.fromkeys(("ModelRepository", "JobTimeToLive", "BatchOnUpload"), "")
    stack = stacks.Stack("shop", "arn", status, values, {})

    assert passed == passes(world, Plan("shop", "x86_64", {}, stack))
    assert what_to_do in world.said()


def test_a_stack_of_something_else_fails(world: AccountWorld) -> None:
    """It would be replaced by ours."""
    world.session.client("cloudformation").create_stack(
        StackName="shop", TemplateBody='{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}'
    )

    assert not passes(world)
    assert "not made from this template" in world.said()


def test_an_update_keeps_the_processor(world: AccountWorld) -> None:
    """A build for another one is refused unless it is wanted."""
    world.create_stack(Architecture="arm64")

    assert not passes(world)
    assert "add ARCHITECTURE=arm64 to keep it" in world.said()
    assert passes(world, world.plan(architecture="arm64"))
    assert passes(world, world.plan(Architecture="x86_64"))


def test_parameters_of_the_stack_count(world: AccountWorld) -> None:
    """What the stack has is checked, not what the template says."""
    world.create_stack(MemorySize="3008", SnapStart="PublishedVersions")

    assert passes(world)
    assert "SnapStart keeps a snapshot of 3008 MB: $11.46 a month" in world.said()


def test_log_groups_that_are_left_over_fail(world: AccountWorld) -> None:
    """The stack cannot create a log group that exists; those of other stacks are not ours."""
    logs = world.session.client("logs")
    for name in ("/aws/lambda/shop-realtime", "/aws/lambda/shop-2-realtime", "/aws/lambda/shop-realtime-2"):
        logs.create_log_group(logGroupName=name)

    assert not passes(world)
    assert "delete-log-group --log-group-name /aws/lambda/shop-realtime\n" in world.said()
    assert "shop-2" not in world.said()
    assert "realtime-2" not in world.said()


def test_buckets_that_are_left_over_are_named(world: AccountWorld) -> None:
    """They cost what they hold; buckets of other stacks and regions are not ours."""
    client = world.session.client("s3")
    names = ("shop-modelbucket-abcdefghijkl", "shop-2-modelbucket-abcdefghijkl", "shop-modelbucket-x")
    for name in names:
        client.create_bucket(Bucket=name)
    boto3.client("s3", region_name="eu-west-1").create_bucket(
        Bucket="shop-inputbucket-abcdefghijkl", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )

    assert passes(world)
    assert 1 == world.said().count("of an earlier stack")
    assert f"bucket {names[0]} " in world.said()


def test_the_log_role_of_the_account_is_kept(world: AccountWorld) -> None:
    """Other APIs of the account write their logs with it."""
    world.answer("apigateway.GetAccount", 200, {"cloudwatchRoleArn": ROLE})
    world.session.client("iam").create_role(RoleName="logs", AssumeRolePolicyDocument="{}")

    assert passes(world)
    assert f"{ROLE} is registered and kept" in world.said()


def test_a_log_role_that_is_gone_is_replaced(world: AccountWorld) -> None:
    """API Gateway would refuse to log."""
    world.answer("apigateway.GetAccount", 200, {"cloudwatchRoleArn": ROLE})

    assert passes(world)
    assert f"{ROLE} is registered and does not exist: a new one replaces it" in world.said()


def test_a_log_role_that_is_given_exists(world: AccountWorld) -> None:
    """A mistyped ARN fails here."""
    assert not passes(world, world.plan(ApiGatewayLogRole=ROLE))
    assert f"there is no role {ROLE}" in world.said()


def test_a_small_account_is_told_what_to_set(world: AccountWorld) -> None:
    """Ten executions are what new accounts have."""
    world.limits(concurrent=10, unreserved=10)

    assert passes(world, world.plan(MemorySize="4096"))
    assert "BatchMaxConcurrency=4 JobMaxConcurrency=2 BatchUploadConcurrency=2" in world.said()
    assert "MemorySize=4096" in world.said()
    assert "refused more than 3008 MB" in world.said()


@pytest.mark.parametrize(("unreserved", "passed"), [(1000, True), (110, True), (109, False)])
def test_a_reservation_leaves_a_hundred(world: AccountWorld, *, unreserved: int, passed: bool) -> None:
    """Lambda refuses one that does not."""
    world.limits(concurrent=1000, unreserved=unreserved)

    assert passed == passes(world, world.plan(ReservedConcurrency="6", JobsReservedConcurrency="4"))


def test_a_reservation_that_the_stack_holds_is_not_counted_twice(world: AccountWorld) -> None:
    """An update with the same values fits."""
    world.create_stack(ReservedConcurrency="900")
    world.limits(concurrent=1000, unreserved=100)

    assert passes(world)
    assert not passes(world, world.plan(ReservedConcurrency="901"))


def test_a_small_account_cannot_reserve(world: AccountWorld) -> None:
    """It has nothing to spare."""
    world.limits(concurrent=50, unreserved=50)

    assert not passes(world, world.plan(ReservedConcurrency="1"))


def test_a_bucket_of_models_exists(world: AccountWorld) -> None:
    """The stack would be deployed, and serve nothing."""
    plan = world.plan(ExistingModelBucket="my-models")

    assert not passes(world, plan)
    assert "my-models does not exist" in world.said()
    world.session.client("s3").create_bucket(Bucket="my-models")
    assert passes(world, plan)


def test_what_may_not_be_read_is_a_line(world: AccountWorld) -> None:
    """Whoever may deploy need not be allowed to look at everything."""
    denied = ("lambda.GetAccountSettings", "apigateway.GetAccount", "logs.DescribeLogGroups")
    for operation in denied:
        world.deny(operation)

    assert passes(world)
    assert 3 == world.said().count("cannot be read: An error occurred (AccessDenied")
    assert "it is created" in world.said()


SPLIT = {"Serving": "Microservices"}


def test_parameters_of_the_inference_function_count(world: AccountWorld) -> None:
    """They are looked at where there is such a function, and only there."""
    world.limits(concurrent=1000, unreserved=100)
    given = {"InferenceReservedConcurrency": "5", "InferenceSnapStart": "PublishedVersions"}

    assert passes(world, world.plan(**given))
    assert not passes(world, world.plan(**given, **SPLIT))
    assert "InferenceReservedConcurrency = 5 leaves 95" in world.said()
    assert 1 == world.said().count("SnapStart keeps a snapshot of 1769 MB")


@pytest.mark.parametrize(
    ("built", "parameters", "passed"),
    [
        ("", SPLIT, True),
        ("arm64", SPLIT, False),
        ("arm64", SPLIT | {"InferenceArchitecture": "arm64"}, True),
        ("", SPLIT | {"InferenceArchitecture": "arm64"}, False),
        ("arm64", {}, False),
        ("", {"InferenceArchitecture": "arm64"}, True),
    ],
)
def test_models_are_built_for_what_runs_them(
    world: AccountWorld, built: str, parameters: dict[str, str], *, passed: bool
) -> None:
    """A build of ONNX Runtime for another processor is refused, whether models are apart or not."""
    assert passed == passes(world, Plan("shop", "x86_64", parameters, None, built))
