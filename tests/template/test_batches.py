"""The batch mode in the translated template: nothing waits for ever, nothing runs that nobody asked for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from triptych.batches.service import PARTS_DAYS

from tests.support.small_account import THROTTLED, Load, run
from tests.template.translated import of_type, statements, translate

ROOT = Path(__file__).parents[2]
SUBSTITUTED = {
    "Partition": "aws",
    "MaxConcurrency": "50",
    "StepsFunction": "arn:aws:lambda:us-east-1:000000000000:function:steps:live",
}
LOGS = {
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}

type Json = dict[str, Any]


@pytest.fixture(scope="module")
def machine() -> Json:
    """The definition of the state machine as it is deployed."""
    text = (ROOT / "functions" / "batch" / "transform.asl.json").read_text()
    for name, value in SUBSTITUTED.items():
        assert f"${{{name}}}" in text
        text = text.replace(f"${{{name}}}", value)
    assert "${" not in text
    definition: Json = json.loads(text)
    return definition


def test_every_placeholder_of_the_state_machine_has_a_value(template: Json) -> None:
    """The template names what the definition leaves open, and bounds how much runs at once."""
    (deployed,) = of_type(template, "AWS::StepFunctions::StateMachine").values()
    values = deployed["DefinitionSubstitutions"]
    assert set(SUBSTITUTED) == set(values)
    assert {"Ref": "BatchMaxConcurrency"} == values["MaxConcurrency"]
    assert {"Ref": "BatchStepsFunctionAliaslive"} == values["StepsFunction"]


def test_every_task_is_tried_again_and_ends(machine: Json) -> None:
    """Whatever fails is tried again, with growing pauses of random length, and no task runs for ever."""
    tasks = [state for state in _states(machine) if state["Type"] == "Task"]
    assert 7 == len(tasks)
    for task in tasks:
        assert 900 < task["TimeoutSeconds"]
        assert ["States.TaskFailed", "States.Timeout"] == task["Retry"][-1]["ErrorEquals"]
        assert all(("FULL", 2) == (retry["JitterStrategy"], retry["BackoffRate"]) for retry in task["Retry"])


def test_every_task_waits_for_its_turn(machine: Json) -> None:
    """Where Lambda has no room, each task waits as long as the machine may run, and failures count apart."""
    retries = [state["Retry"] for state in _states(machine) if state["Type"] == "Task"]
    for turn, failure in retries:
        assert retries[0][0] == turn
        assert [THROTTLED] == turn["ErrorEquals"]
        assert failure["MaxAttempts"] <= 8
    (turn, _) = retries[0]
    assert machine["TimeoutSeconds"] < turn["MaxAttempts"] * turn["MaxDelaySeconds"] / 2
    # Scheduled, started, failed: three events of the history of 25,000, and some for what comes after.
    assert 3 * turn["MaxAttempts"] < 20_000


SMALL = [Load(300, seconds, children=50, slots=10) for seconds in (60, 600)]
BEFORE = [
    {
        "ErrorEquals": [THROTTLED],
        "IntervalSeconds": 5,
        "BackoffRate": 2,
        "MaxAttempts": 20,
        "MaxDelaySeconds": 120,
    }
]


@pytest.mark.parametrize("load", SMALL)
@pytest.mark.parametrize("seed", range(3))
def test_a_small_account_loses_no_chunk(machine: Json, load: Load, seed: int) -> None:
    """Ten executions for fifty children: all chunks are done, almost as soon as ten can do them."""
    chunk = machine["States"]["Chunks"]["ItemProcessor"]["States"]["Chunk"]
    outcome = run(load, chunk["Retry"], seed)
    best = load.chunks * load.seconds / load.slots
    assert 0 == outcome.lost
    assert best <= outcome.seconds < best + 2 * chunk["Retry"][0]["MaxDelaySeconds"]
    assert outcome.calls < 20 * load.chunks  # each is a transition, which costs


@pytest.mark.parametrize(("load", "lost"), [(SMALL[0], 20), (SMALL[1], 150)])
def test_a_small_account_lost_chunks_with_few_retries(load: Load, lost: int) -> None:
    """Twenty tries within minutes are too few: the simulation tells, so it can tell that none is lost."""
    assert lost < run(load, BEFORE).lost


def test_whatever_fails_for_good_ends_the_batch(machine: Json) -> None:
    """Every state that works catches every error, keeps the id of the batch, and leads to its end."""
    working = [name for name, state in machine["States"].items() if state["Type"] in {"Task", "Map"}]
    assert {"Plan", "Chunks", "Joins", "Finish", "GiveUp"} == set(working)
    for name in set(working) - {"GiveUp"}:
        expected = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "GiveUp"}]
        assert expected == machine["States"][name]["Catch"]
    for name, lost in (
        ("Chunks", "ChunkLost"),
        ("Joins", "JoinLost"),
    ):  # a lost file costs the others nothing
        states = machine["States"][name]["ItemProcessor"]["States"]
        assert {lost} == {catch["Next"] for state in states.values() for catch in state.get("Catch", ())}
    assert "Failed" == machine["States"]["GiveUp"]["Next"]
    assert "Fail" == machine["States"]["Failed"]["Type"]


def test_chunks_are_begun_again_until_they_are_done(machine: Json) -> None:
    """A worker that ran out of time is called with the rest; what children give stays small."""
    children = machine["States"]["Chunks"]["ItemProcessor"]["States"]
    (choice,) = children["ChunkDone"]["Choices"]
    assert ("$.done", True, "Forget") == (choice["Variable"], choice["BooleanEquals"], choice["Next"])
    assert "Chunk" == children["ChunkDone"]["Default"]
    assert ({}, True) == (children["Forget"]["Result"], children["Forget"]["End"])


@pytest.mark.parametrize("name", ["Chunks", "Joins"])
def test_plans_are_read_from_the_bucket_for_work(machine: Json, name: str) -> None:
    """Each map reads a list of any length, runs a bounded number of children, and tolerates no failure."""
    state = machine["States"][name]
    list_name = name.lower()
    place = {"Bucket.$": f"$.{list_name}.bucket", "Key.$": f"$.{list_name}.key"}
    assert place == state["ItemReader"]["Parameters"]
    item = "chunk" if name == "Chunks" else "join"
    step = "chunk" if name == "Chunks" else "merge"
    assert {"step": step, "batch.$": "$.batch", f"{item}.$": "$$.Map.Item.Value"} == state["ItemSelector"]
    assert {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"} == state["ItemProcessor"]["ProcessorConfig"]
    assert (50, 0) == (state["MaxConcurrency"], state["ToleratedFailurePercentage"])
    assert machine["States"][f"Any{name}"]["Choices"][0]["Next"] == name


def test_every_state_can_be_reached_and_exists(machine: Json) -> None:
    """No transition leads nowhere, and no state is left over."""
    reached = {machine["StartAt"], *_following(machine["States"])}
    assert set(machine["States"]) == reached


def test_the_state_machine_may_do_its_work_only(template: Json) -> None:
    """It calls one function, reads plans, and runs children; only the delivery of logs is not bounded."""
    granted = {entry["Sid"]: entry for entry in statements(template, "BatchStateMachine")}
    assert {"Ref": "BatchStepsFunctionAliaslive"} == granted["Work"]["Resource"]
    assert "s3:GetObject" == granted["ReadPlans"]["Action"]
    assert ["DeliverLogs"] == [sid for sid, entry in granted.items() if entry["Resource"] == "*"]
    assert set(granted["DeliverLogs"]["Action"]) == LOGS


def test_a_message_stays_with_its_function_for_six_timeouts(template: Json) -> None:
    """One file at a time; deliveries do not use up attempts; what cannot be dealt with is kept longest."""
    queues = of_type(template, "AWS::SQS::Queue")
    source = of_type(template, "AWS::Lambda::EventSourceMapping")["BatchSource"]
    timeout = template["Resources"]["BatchFunction"]["Properties"]["Timeout"]
    assert 6 * timeout == queues["BatchQueue"]["VisibilityTimeout"]
    assert (1, ["ReportBatchItemFailures"]) == (source["BatchSize"], source["FunctionResponseTypes"])
    assert 1000 == queues["BatchQueue"]["RedrivePolicy"]["maxReceiveCount"]
    kept = queues["BatchDeadLetterQueue"]["MessageRetentionPeriod"]
    assert queues["BatchQueue"]["MessageRetentionPeriod"] < kept


def test_uploads_start_batches_unless_switched_off(template: Json) -> None:
    """The bucket tells the queue of new files; one parameter stops that; other accounts may not send."""
    condition, told, otherwise = of_type(template, "AWS::S3::Bucket")["InputBucket"][
        "NotificationConfiguration"
    ]["Fn::If"]
    assert ("HasBatchOnUpload", {"Ref": "AWS::NoValue"}) == (condition, otherwise)
    assert "s3:ObjectCreated:*" == told["QueueConfigurations"][0]["Event"]
    policy = of_type(template, "AWS::SQS::QueuePolicy")["BatchQueuePolicy"]["PolicyDocument"]["Statement"]
    assert {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}} == policy[0]["Condition"]


def test_the_schedule_is_off_until_it_is_wanted(written: Json, template: Json) -> None:
    """Nobody pays for nightly runs by accident; a run names the time that it was planned for."""
    assert "" == written["Parameters"]["BatchScheduleExpression"]["Default"]
    schedule = of_type(template, "AWS::Scheduler::Schedule")["BatchSchedule"]
    assert {"Fn::If": ["HasBatchSchedule", "ENABLED", "DISABLED"]} == schedule["State"]
    event = json.loads(schedule["Target"]["Input"]["Fn::Sub"])["schedule"]
    assert {"prefix": "${BatchSchedulePrefix}", "time": "<aws.scheduler.scheduled-time>"} == event


def test_killed_executions_are_heard_of(template: Json) -> None:
    """An execution that was killed or timed out cannot tell; the function of uploads hears of it."""
    (rule,) = of_type(template, "AWS::Events::Rule").values()
    assert ["FAILED", "TIMED_OUT", "ABORTED"] == rule["EventPattern"]["detail"]["status"]
    assert {"Ref": "BatchFunctionAliaslive"} == rule["Targets"][0]["Arn"]


def test_the_table_of_predictions_gives_the_latest(template: Json) -> None:
    """The predictions for a key are in the order of their batches, and are forgotten."""
    table = of_type(template, "AWS::DynamoDB::Table")["PredictionsTable"]
    assert ["id", "made"] == [key["AttributeName"] for key in table["KeySchema"]]
    assert {"AttributeName": "delete_at", "Enabled": True} == table["TimeToLiveSpecification"]


def test_parts_are_forgotten(machine: Json) -> None:
    """The bucket for work empties itself, but not before the last run that a redrive may start has ended."""
    bucket = of_type(translate(), "AWS::S3::Bucket")["BatchWorkBucket"]
    longest = machine["TimeoutSeconds"] / 86_400
    assert PARTS_DAYS + longest < bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"]


def test_an_attempt_count_is_set(template: Json) -> None:
    """The function that takes dropped files is told how often it tries one."""
    function = of_type(template, "AWS::Lambda::Function")["BatchFunction"]
    assert {"Ref": "BatchMaxAttempts"} == function["Environment"]["Variables"]["BATCH_MAX_ATTEMPTS"]


def _states(machine: Json) -> Iterator[Json]:
    for state in machine["States"].values():
        yield state
        if "ItemProcessor" in state:
            yield from _states(state["ItemProcessor"])


def _following(states: Json) -> Iterator[str]:
    for state in states.values():
        choices = [*state.get("Choices", []), *state.get("Catch", [])]
        yield from (entry["Next"] for entry in [state, *choices] if "Next" in entry)
        yield from [state["Default"]] if "Default" in state else []
