"""What roles may do, as the translated template says."""

from typing import Any

from tests.template.translated import of_type

# Both are SAM's: writing logs and traces cannot be bounded to a resource that exists when the role is made.
MANAGED = {"service-role/AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}


def test_every_function_has_a_role_of_its_own(template: dict[str, Any]) -> None:
    """No two functions share permissions."""
    roles = [str(function["Role"]) for function in of_type(template, "AWS::Lambda::Function").values()]
    assert len(set(roles)) == len(roles)


def test_no_statement_is_wider_than_it_has_to_be(template: dict[str, Any]) -> None:
    """The function may list one bucket and read what is under models/ in it."""
    statements = _statements(template)
    assert {"s3:ListBucket", "s3:GetObject"} == {statement["Action"] for statement in statements}
    texts = [statement["Resource"]["Fn::Sub"][0] for statement in statements]
    assert ["arn:${AWS::Partition}:s3:::${Bucket}", "arn:${AWS::Partition}:s3:::${Bucket}/models/*"] == texts


def test_managed_policies_are_for_logs_and_traces(template: dict[str, Any]) -> None:
    """Beside its own statements a function's role holds what writes logs and traces, and nothing else."""
    role = of_type(template, "AWS::IAM::Role")["RealtimeFunctionRole"]
    arns = [arn["Fn::Sub"] if isinstance(arn, dict) else arn for arn in role["ManagedPolicyArns"]]
    assert MANAGED == {arn.split(":policy/")[1] for arn in arns}


def _statements(template: dict[str, Any]) -> list[dict[str, Any]]:
    role = of_type(template, "AWS::IAM::Role")["RealtimeFunctionRole"]
    return [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]
