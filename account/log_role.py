"""The role that API Gateway writes logs with: there is one for all APIs of an account and region."""

import boto3


def registered(session: boto3.Session) -> str | None:
    """Return the ARN of the role that is registered, or None.

    Args:
        session: The account and region.
    """
    return session.client("apigateway").get_account().get("cloudwatchRoleArn") or None


def usable(session: boto3.Session) -> str | None:
    """Return the ARN of the role that is registered and exists; None where a new one is needed.

    A role that was deleted stays registered, and API Gateway then refuses every stage that logs.

    Args:
        session: The account and region.
    """
    arn = registered(session)
    return arn if arn and exists(session, arn) else None


def exists(session: boto3.Session, arn: str) -> bool:
    """Check whether a role exists.

    Args:
        session: The account.
        arn: The ARN of the role.
    """
    client = session.client("iam")
    try:
        client.get_role(RoleName=arn.rsplit("/", 1)[-1])
    except client.exceptions.NoSuchEntityException:
        return False
    return True
