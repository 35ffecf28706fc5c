"""Buckets that stay when a stack is deleted: which, how large, and how they are deleted."""

import re
from dataclasses import dataclass

import boto3

from account import stacks
from account.template import retained_buckets

PRICE = 0.023
"""Dollars for a GB and month of S3 Standard in us-east-1."""

_PAGES = 100  # of 1,000 versions: half a minute, and half a cent


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and what is in it.

    Attributes:
        name: The name of the bucket.
        logical_id: Its name in the template.
        versions: How many objects it holds, earlier versions included.
        size: Their bytes together.
        complete: Whether all of them were counted.
    """

    name: str
    logical_id: str
    versions: int
    size: int
    complete: bool


def of_stack(session: boto3.Session, stack: stacks.Stack) -> dict[str, str]:
    """Find the buckets of a stack that its deletion leaves.

    Args:
        session: The account and region.
        stack: The stack.

    Returns:
        Names of buckets by logical id.
    """
    found = stacks.resources(session, stack, "AWS::S3::Bucket")
    return {logical_id: name for logical_id, name in found.items() if logical_id in retained_buckets()}


def left_over(session: boto3.Session, stack_name: str) -> list[tuple[str, str]]:
    """Find buckets that deleted stacks of a name have left, by the names that CloudFormation gives.

    Args:
        session: The account and region.
        stack_name: The name of the stacks. No stack of that name may exist.

    Returns:
        Logical ids and names of buckets in the region of the session.
    """
    client = session.client("s3")
    names = [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
    named = [
        (logical_id, name)
        for logical_id in retained_buckets()
        for name in names
        if re.fullmatch(f"{re.escape(f'{stack_name}-{logical_id}'.lower())}-[a-z0-9]{{12,13}}", name)
    ]
    return [(logical_id, name) for logical_id, name in named if _is_here(session, name)]


def measure(session: boto3.Session, logical_id: str, name: str) -> Bucket:
    """Count what is in a bucket.

    Args:
        session: The account and region.
        logical_id: The bucket's name in the template.
        name: The name of the bucket.
    """
    paginator = session.client("s3").get_paginator("list_object_versions")
    versions = size = 0
    for number, page in enumerate(paginator.paginate(Bucket=name), 1):
        found = page.get("Versions", [])
        versions += len(found)
        size += sum(version["Size"] for version in found)
        if number == _PAGES and page["IsTruncated"]:
            return Bucket(name, logical_id, versions, size, complete=False)
    return Bucket(name, logical_id, versions, size, complete=True)


def delete(session: boto3.Session, name: str) -> None:
    """Delete a bucket with all that is in it.

    Args:
        session: The account and region.
        name: The name of the bucket.
    """
    bucket = session.resource("s3").Bucket(name)
    bucket.object_versions.delete()
    bucket.delete()


def _is_here(session: boto3.Session, name: str) -> bool:
    location = session.client("s3").get_bucket_location(Bucket=name)["LocationConstraint"]
    return (location or "us-east-1") == session.region_name
