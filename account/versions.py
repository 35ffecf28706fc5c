"""Old versions of functions, each with a SnapStart snapshot that costs money until the version is deleted."""

from collections.abc import Iterator

import boto3

from account import stacks


def remove_old(session: boto3.Session, stack: stacks.Stack) -> int:
    """Delete the versions of a stack's functions that no alias points to.

    Args:
        session: The account and region.
        stack: The stack.

    Returns:
        How many versions were deleted.
    """
    client = session.client("lambda")
    functions = stacks.resources(session, stack, "AWS::Lambda::Function").values()
    old = [(function, version) for function in functions for version in _unused(session, function)]
    for function, version in old:
        client.delete_function(FunctionName=function, Qualifier=version)
    return len(old)


def _unused(session: boto3.Session, function: str) -> Iterator[str]:
    client = session.client("lambda")
    used = {"$LATEST"}
    for aliases in client.get_paginator("list_aliases").paginate(FunctionName=function):
        for alias in aliases["Aliases"]:
            used |= {
                alias["FunctionVersion"],
                *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
            }
    for page in client.get_paginator("list_versions_by_function").paginate(FunctionName=function):
        yield from (version["Version"] for version in page["Versions"] if version["Version"] not in used)
