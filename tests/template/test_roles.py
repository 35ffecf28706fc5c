"""What functions may do: the policies of their roles, as the translated template says."""

from typing import Any

import pytest

from tests.template.translated import of_type, served, statements, translate

# Both are SAM's: writing logs and traces cannot be bounded to a resource that exists when the role is made.
MANAGED = {"service-role/AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}

MODELS = {
    "s3:ListBucket": {"arn:${AWS::Partition}:s3:::${Bucket}"},
    "s3:GetObject": {"arn:${AWS::Partition}:s3:::${Bucket}/models/*"},
}
NOTIFY = {
    "sns:Publish": {"JobsTopic"},
    "events:PutEvents": {"arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default"},
}
BATCH_NOTIFY = {"sns:Publish": {"BatchesTopic"}, "events:PutEvents": NOTIFY["events:PutEvents"]}
MACHINE = (
    "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${AWS::StackName}-batches"
)
EXECUTIONS = MACHINE.replace(":stateMachine:", ":execution:") + ":*"
FILES, PUBLISHED, PARTS = "${InputBucket.Arn}/*", "${OutputBucket.Arn}/*", "${BatchWorkBucket.Arn}/batches/*"
BATCH_WORK = {
    "dynamodb:GetItem": {"BatchesTable.Arn"},
    "dynamodb:PutItem": {"BatchesTable.Arn"},
    "dynamodb:UpdateItem": {"BatchesTable.Arn"},
    "dynamodb:Query": {"BatchesTable.Arn"},
    "s3:ListBucket": {"InputBucket.Arn", "OutputBucket.Arn", "BatchWorkBucket.Arn"},
    "s3:GetObject": {FILES, PUBLISHED, PARTS},
    "s3:GetObjectVersion": {FILES},
    "s3:PutObject": {PUBLISHED, PARTS},
    "s3:AbortMultipartUpload": {PUBLISHED, PARTS},
    "s3:DeleteObject": {PUBLISHED},
}
BATCH_MODELS = {action: BATCH_WORK[action] | MODELS[action] for action in MODELS}
LOOKUPS = {"dynamodb:BatchWriteItem": {"PredictionsTable.Arn"}}
RESULTS = "${ResultsBucket.Arn}/results/*"
INPUTS = {"${JobInputsBucket.Arn}/inputs/*", "${JobInputsBucket.Arn}/uploads/*"}

# All that each function may do, and with what.
MONOLITH = {
    "RealtimeFunction": MODELS,
    "JobsFunction": NOTIFY
    | {
        "dynamodb:GetItem": {"JobsTable.Arn"},
        "dynamodb:BatchGetItem": {"JobsTable.Arn"},
        "dynamodb:PutItem": {"JobsTable.Arn"},
        "dynamodb:DeleteItem": {"JobsTable.Arn"},
        "dynamodb:Query": {"${JobsTable.Arn}/index/newest"},
        "sqs:SendMessage": {"JobsQueue.Arn"},
        "s3:PutObject": INPUTS,
        "s3:ListBucket": MODELS["s3:ListBucket"] | {"ResultsBucket.Arn"},
        "s3:GetObject": MODELS["s3:GetObject"] | {RESULTS},
        "s3:DeleteObject": {RESULTS},
    },
    "JobWorkerFunction": NOTIFY
    | {
        "sqs:SendMessage": {"JobsDeadLetterQueue.Arn"},
        "dynamodb:GetItem": {"JobsTable.Arn"},
        "dynamodb:PutItem": {"JobsTable.Arn"},
        "sqs:ReceiveMessage": {"JobsQueue.Arn"},
        "sqs:DeleteMessage": {"JobsQueue.Arn"},
        "sqs:GetQueueAttributes": {"JobsQueue.Arn"},
        "sqs:ChangeMessageVisibility": {"JobsQueue.Arn"},
        "s3:ListBucket": MODELS["s3:ListBucket"] | {"JobInputsBucket.Arn", "ResultsBucket.Arn"},
        "s3:GetObject": MODELS["s3:GetObject"] | INPUTS | {RESULTS},
        "s3:PutObject": {RESULTS, "${JobInputsBucket.Arn}/inputs/*"},
        "s3:DeleteObject": {RESULTS},
        "s3:AbortMultipartUpload": {RESULTS},
    },
    "JobKeeperFunction": NOTIFY
    | {
        "dynamodb:GetItem": {"JobsTable.Arn"},
        "dynamodb:PutItem": {"JobsTable.Arn"},
        "dynamodb:Query": {"${JobsTable.Arn}/index/due"},
        "sqs:ReceiveMessage": {"JobsDeadLetterQueue.Arn"},
        "sqs:DeleteMessage": {"JobsDeadLetterQueue.Arn"},
        "sqs:GetQueueAttributes": {"JobsDeadLetterQueue.Arn"},
        "sqs:ChangeMessageVisibility": {"JobsDeadLetterQueue.Arn"},
        "s3:PutObject": {"${JobInputsBucket.Arn}/inputs/*"},
        "s3:DeleteObject": {RESULTS},
    },
    "BatchFunction": BATCH_WORK
    | BATCH_MODELS
    | BATCH_NOTIFY
    | LOOKUPS
    | {
        "sqs:ReceiveMessage": {"BatchQueue.Arn"},
        "sqs:DeleteMessage": {"BatchQueue.Arn"},
        "sqs:GetQueueAttributes": {"BatchQueue.Arn"},
        "sqs:ChangeMessageVisibility": {"BatchQueue.Arn"},
        "sqs:SendMessage": {"BatchQueue.Arn"},
        "states:StartExecution": {MACHINE},
    },
    "BatchStepsFunction": BATCH_WORK | BATCH_MODELS | BATCH_NOTIFY | LOOKUPS,
    "BatchesFunction": BATCH_NOTIFY
    | {
        "dynamodb:GetItem": {"BatchesTable.Arn"},
        "dynamodb:BatchGetItem": {"BatchesTable.Arn"},
        "dynamodb:PutItem": {"BatchesTable.Arn"},
        "dynamodb:DeleteItem": {"BatchesTable.Arn"},
        "dynamodb:Query": {"BatchesTable.Arn", "${BatchesTable.Arn}/index/newest", "PredictionsTable.Arn"},
        "s3:ListBucket": MODELS["s3:ListBucket"] | {"InputBucket.Arn", "OutputBucket.Arn"},
        "s3:GetObject": MODELS["s3:GetObject"] | {FILES, PUBLISHED},
        "s3:GetObjectVersion": {FILES},
        "s3:PutObject": {"${BatchWorkBucket.Arn}/batches/lists/*"},
        "sqs:SendMessage": {"BatchQueue.Arn"},
        "states:StartExecution": {MACHINE},
        "states:StopExecution": {EXECUTIONS},
    },
}

FRONTS = ("RealtimeFunction", "JobWorkerFunction", "BatchFunction", "BatchStepsFunction")
"""Functions that have models; where another one runs them, they read only what lies beside weights."""
SIDE = {f"arn:${{AWS::Partition}}:s3:::${{Bucket}}/models/*.{kind}" for kind in ("json", "toml", "txt")}
MICROSERVICES = {
    name: allowed
    | {
        "s3:GetObject": allowed["s3:GetObject"] - MODELS["s3:GetObject"] | SIDE,
        "lambda:InvokeFunction": {"InferenceFunctionAliaslive"},
    }
    if name in FRONTS
    else allowed
    for name, allowed in MONOLITH.items()
} | {"InferenceFunction": MODELS}

ROLES = {
    **{("Monolith", name): allowed for name, allowed in MONOLITH.items()},
    **{("Microservices", name): allowed for name, allowed in MICROSERVICES.items()},
}


@pytest.fixture(params=["Monolith", "Microservices"])
def serving(request: pytest.FixtureRequest) -> str:
    """Who runs the models."""
    name: str = request.param
    return name


@pytest.fixture
def template(serving: str, both: dict[str, Any]) -> dict[str, Any]:
    """The template in one form."""
    return served(both, serving)


@pytest.fixture(scope="module")
def both() -> dict[str, Any]:
    """The template of both forms."""
    return translate()


def test_every_function_has_a_role_of_its_own(template: dict[str, Any]) -> None:
    """No two functions share permissions."""
    roles = [str(function["Role"]) for function in of_type(template, "AWS::Lambda::Function").values()]
    assert len(set(roles)) == len(roles)


def test_every_function_is_in_the_table(template: dict[str, Any], serving: str) -> None:
    """No function comes to a role that nobody has looked at."""
    functions = set(of_type(template, "AWS::Lambda::Function"))
    assert functions == {name for form, name in ROLES if form == serving}


@pytest.mark.parametrize(("form", "function"), ROLES)
def test_a_role_allows_what_its_function_does(both: dict[str, Any], form: str, function: str) -> None:
    """Each action is allowed on exactly the resources that it is needed for."""
    assert ROLES[form, function] == _allowed(statements(served(both, form), function))


def test_only_models_are_listed(template: dict[str, Any]) -> None:
    """Who serves models from a bucket learns nothing of what else is in it."""
    listing = [
        entry
        for name in of_type(template, "AWS::Lambda::Function")
        for entry in statements(template, name)
        if "ListModels" == entry.get("Sid")
    ]
    assert len(listing) in {6, 7}
    assert all({"StringLike": {"s3:prefix": "models/*"}} == entry["Condition"] for entry in listing)


def test_no_action_and_no_resource_is_left_open(template: dict[str, Any]) -> None:
    """Wildcards stand for the keys of a bucket and the executions of the state machine, and nothing else."""
    ends = ("/*", "/*.json", "/*.toml", "/*.txt", "-batches:*")
    for function in of_type(template, "AWS::Lambda::Function"):
        for action, resources in _allowed(statements(template, function)).items():
            assert "*" not in action
            assert all(resource.count("*") == resource.endswith(ends) for resource in resources)


def test_further_buckets_can_be_read_where_they_are_named() -> None:
    """Without the parameter the statement is not there; with it, it names the objects of each bucket."""
    assert "HasJobAllowedBuckets" in translate()["Conditions"]
    (choice,) = [
        entry
        for entry in statements(served(translate(), "Monolith"), "JobWorkerFunction")
        if "Fn::If" in entry
    ]
    condition, granted, otherwise = choice["Fn::If"]
    assert ("HasJobAllowedBuckets", {"Ref": "AWS::NoValue"}) == (condition, otherwise)
    assert "s3:GetObject" == granted["Action"]
    comma, (arns, variables) = (
        granted["Resource"]["Fn::Split"][0],
        granted["Resource"]["Fn::Split"][1]["Fn::Sub"],
    )
    delimiter, names = variables["Buckets"]["Fn::Join"]
    assert {"Fn::Split": [",", {"Ref": "JobAllowedBuckets"}]} == names
    resources = arns.replace("${Buckets}", delimiter.join(["one", "two"])).split(comma)
    assert ["arn:aws:s3:::one/*", "arn:aws:s3:::two/*"] == resources


def test_further_buckets_of_images() -> None:
    """With the parameter, objects of each bucket can be read, and it shows which are missing."""
    policy = translate()["Resources"]["RunBatches"]["Properties"]["PolicyDocument"]
    (choice,) = [entry for entry in policy["Statement"] if "Fn::If" in entry]
    condition, granted, otherwise = choice["Fn::If"]
    assert ("HasBatchImageBuckets", {"Ref": "AWS::NoValue"}) == (condition, otherwise)
    assert ["s3:GetObject", "s3:ListBucket"] == granted["Action"]
    comma, (arns, variables) = (
        granted["Resource"]["Fn::Split"][0],
        granted["Resource"]["Fn::Split"][1]["Fn::Sub"],
    )
    for name, value in variables.items():
        delimiter, names = value["Fn::Join"]
        assert {"Fn::Split": [",", {"Ref": "BatchImageBuckets"}]} == names
        arns = arns.replace(f"${{{name}}}", delimiter.join(["one", "two"]))
    named = ["arn:aws:s3:::one", "arn:aws:s3:::two"]
    assert sorted([*named, *(f"{arn}/*" for arn in named)]) == sorted(arns.split(comma))


def test_events_are_sent_in_the_name_of_their_mode_only(template: dict[str, Any]) -> None:
    """Nobody takes an event of these functions for one of another application."""
    granted = [
        (name, entry)
        for name in of_type(template, "AWS::Lambda::Function")
        for entry in statements(template, name)
        if "events:PutEvents" in str(entry)
    ]
    assert 6 == len(granted)
    for name, statement in granted:
        source = "triptych.jobs" if name.startswith("Job") else "triptych.batches"
        assert {"StringEqualsIfExists": {"events:source": source}} == statement["Condition"]


@pytest.mark.parametrize(("form", "function"), ROLES)
def test_managed_policies_are_for_logs_and_traces(both: dict[str, Any], form: str, function: str) -> None:
    """Beside policies of the template a function's role holds what writes logs and traces, nothing else."""
    role = of_type(served(both, form), "AWS::IAM::Role")[f"{function}Role"]
    foreign = [arn for arn in role["ManagedPolicyArns"] if not (isinstance(arn, dict) and "Ref" in arn)]
    arns = [arn["Fn::Sub"] if isinstance(arn, dict) else arn for arn in foreign]
    assert MANAGED == {arn.split(":policy/")[1] for arn in arns}


def _allowed(granted: list[dict[str, Any]]) -> dict[str, set[str]]:
    allowed: dict[str, set[str]] = {}
    for statement in granted:
        if "Fn::If" in statement:
            continue
        assert "Allow" == statement["Effect"]
        for action in _as_list(statement["Action"]):
            allowed.setdefault(action, set()).update(map(_named, _as_list(statement["Resource"])))
    return allowed


def _named(resource: Any) -> str:  # noqa: ANN401 - any function of CloudFormation
    match resource:
        case {"Fn::Sub": [str(text), _]} | {"Fn::Sub": str(text)} | {"Ref": str(text)}:
            return text
        case {"Fn::GetAtt": [name, attribute]}:
            return f"{name}.{attribute}"
        case _:
            raise AssertionError(resource)


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401 - one or many
    return value if isinstance(value, list) else [value]
