"""The account and region that commands work on: those of the user's AWS profile."""

import os

import boto3

from local.failure import LocalFailure


def connect() -> boto3.Session:
    """Open a session in the region of the user's profile.

    Returns:
        The session. Credentials are not tried yet.

    Raises:
        LocalFailure: No region is set.
    """
    region = os.environ.get("AWS_REGION") or boto3.Session().region_name  # boto3 does not read AWS_REGION
    if not region:
        raise LocalFailure(
            "no region is set: run aws configure, or set AWS_REGION, for example to eu-central-1"
        )
    return boto3.Session(region_name=region)
