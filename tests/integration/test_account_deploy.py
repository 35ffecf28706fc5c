"""What `make deploy` hands to SAM, and what it tidies up."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from account import stacks, versions
from account.deploy import choose_name, deploy
from local.failure import LocalFailure
from tests.integration.account_world import AccountWorld

ROLE = "arn:aws:iam::123456789012:role/logs"


@pytest.fixture
def world(aws: None) -> AccountWorld:  # noqa: ARG001 - it is created there
    """An account with nothing in it."""
    return AccountWorld()


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The commands that are run, none of which does anything."""
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str], **_: object) -> SimpleNamespace:
        commands.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr("account.deploy.subprocess.run", run)
    return commands


def overrides(line: Sequence[str]) -> set[str]:
    """The parameters that SAM is given."""
    return set(line[line.index("--parameter-overrides") + 1 :])


def typing(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Has a person at the terminal answer so."""
    given = iter(answers)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda: next(given))


def test_an_update_names_nothing_but_what_changes(world: AccountWorld, commands: list[Sequence[str]]) -> None:
    """SAM keeps the value of each parameter that it is not given: nothing is asked, nothing goes back."""
    world.create_stack(AlarmEmail="me@example.com", Authorization="AWS_IAM")

    with pytest.raises(KeyError):  # the small stack has no outputs to tell of
        deploy(world.console, world.session, world.plan(MemorySize="2048"), yes=False)

    assert {"Architecture='x86_64'", "MemorySize='2048'"} == overrides(commands[0])
    assert "us-east-1" == commands[0][commands[0].index("--region") + 1]
    assert "--no-confirm-changeset" not in commands[0]


def test_a_first_deployment_asks_for_what_matters(
    world: AccountWorld, commands: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers that are defaults are left to the template; a wrong answer is asked for again."""
    typing(monkeypatch, "nonsense", "me@example.com", "", "my-models")
    world.session.client("s3").create_bucket(Bucket="my-models")

    deploy(world.console, world.session, world.plan(), yes=False)

    wanted = {"Architecture='x86_64'", "AlarmEmail='me@example.com'", "ExistingModelBucket='my-models'"}
    assert wanted == overrides(commands[0])
    assert "AlarmEmail cannot be 'nonsense'" in world.said()


def test_what_the_command_line_says_is_not_asked(
    world: AccountWorld, commands: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question is left."""
    typing(monkeypatch, "")

    deploy(world.console, world.session, world.plan(AlarmEmail="", Authorization="AWS_IAM"), yes=False)

    assert {"Architecture='x86_64'", "AlarmEmail=''", "Authorization='AWS_IAM'"} == overrides(commands[0])


def test_the_log_role_of_the_account_is_passed_on(world: AccountWorld, commands: list[Sequence[str]]) -> None:
    """A first stack would replace the role of all other APIs."""
    world.answer("apigateway.GetAccount", 200, {"cloudwatchRoleArn": ROLE})
    world.session.client("iam").create_role(RoleName="logs", AssumeRolePolicyDocument="{}")

    deploy(world.console, world.session, world.plan(), yes=True)

    assert f"ApiGatewayLogRole='{ROLE}'" in overrides(commands[0])
    assert "--no-confirm-changeset" in commands[0]


def test_a_log_role_that_is_gone_is_not_passed_on(world: AccountWorld, commands: list[Sequence[str]]) -> None:
    """The stack registers a new one."""
    world.answer("apigateway.GetAccount", 200, {"cloudwatchRoleArn": ROLE})

    deploy(world.console, world.session, world.plan(), yes=True)

    assert {"Architecture='x86_64'"} == overrides(commands[0])


def test_nothing_is_deployed_where_preflight_fails(
    world: AccountWorld, commands: list[Sequence[str]]
) -> None:
    """It would be rolled back."""
    world.session.client("logs").create_log_group(logGroupName="/aws/lambda/shop-realtime")

    with pytest.raises(LocalFailure, match="nothing was changed"):
        deploy(world.console, world.session, world.plan(), yes=True)

    assert [] == commands


def test_no_question_without_a_terminal(
    world: AccountWorld, commands: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """YES=1 is named."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)

    with pytest.raises(LocalFailure, match="YES=1"):
        deploy(world.console, world.session, world.plan(), yes=False)

    assert [] == commands


def test_the_name_is_asked_for_once(world: AccountWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a stack of the default name exists, that is the one."""
    typing(monkeypatch, "mine")

    assert "mine" == choose_name(world.console, world.session, yes=False)
    assert "triptych" == choose_name(world.console, world.session, yes=True)
    world.create_stack("triptych")
    assert "triptych" == choose_name(world.console, world.session, yes=False)


def test_versions_without_an_alias_are_removed(world: AccountWorld) -> None:
    """Aliases keep the versions that they point to, those with a share of the traffic too."""
    world.create_stack()
    client = world.session.client("lambda")
    for text in ("one", "two", "three", "four"):
        client.update_function_configuration(FunctionName="shop-realtime", Description=text)
        client.publish_version(FunctionName="shop-realtime")
    client.create_alias(
        FunctionName="shop-realtime",
        Name="live",
        FunctionVersion="4",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}},
    )
    stack = stacks.find(world.session, "shop")
    assert stack

    assert 2 == versions.remove_old(world.session, stack)

    left = client.list_versions_by_function(FunctionName="shop-realtime")["Versions"]
    assert ["$LATEST", "2", "4"] == [version["Version"] for version in left]
