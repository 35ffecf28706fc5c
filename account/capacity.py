"""Checks of what the account can run at once, and of what a stack costs while nothing is called."""

import boto3
from mypy_boto3_lambda.type_defs import AccountLimitTypeDef

from account.finding import Findings
from account.plan import Plan
from account.template import alarms

_USUAL_LIMIT = 1000
_QUOTA = "ask for 1,000 (Service Quotas, AWS Lambda, Concurrent executions, L-B99A9384)"
_UNRESERVED = 100  # what Lambda keeps for functions without a reservation
_NEW_ACCOUNT_MEMORY = 3008
_SNAPSHOT_PRICE = 0.0000015046 * 86400 * 30 / 1024  # dollars a MB and month, us-east-1


def check_concurrency(session: boto3.Session, plan: Plan) -> Findings:
    """Compare the account's limit with the most that files and jobs use."""
    limit = _limits(session)["ConcurrentExecutions"]
    workers = sum(map(plan.number, ["BatchMaxConcurrency", "JobMaxConcurrency", "BatchUploadConcurrency"]))
    if workers < limit:
        yield "ok", f"{limit} executions at once; one batch and all workers take {workers}"
        return
    share = max(1, limit * 4 // 10)
    text = (
        f"{limit} executions at once, and one batch and all workers may take {workers}: meanwhile requests "
        f"are refused; {_QUOTA}, or deploy with PARAMETERS='BatchMaxConcurrency={share} JobMaxConcurrency=2 "
        "BatchUploadConcurrency=2'"
    )
    yield "warn", text


def check_reserved(session: boto3.Session, plan: Plan) -> Findings:
    """Check whether the account has the concurrency that functions reserve."""
    own = ("InferenceReservedConcurrency",) if plan.splits else ()
    names = ("ReservedConcurrency", "JobsReservedConcurrency", *own)
    wanted = sum(map(plan.number, names))
    if not wanted:
        return
    account = _limits(session)
    held = sum(int(plan.stack.parameters.get(name) or 0) for name in names) if plan.stack else 0
    left = account["UnreservedConcurrentExecutions"] + held - wanted
    least = min(_UNRESERVED, account["ConcurrentExecutions"])
    if left < least:
        text = (
            f"{' + '.join(names)} = {wanted} leaves {left} of {account['ConcurrentExecutions']} executions, "
            f"and Lambda wants {least} without a reservation: reserve less, or {_QUOTA}"
        )
        yield "fail", text
    else:
        yield "ok", f"{wanted} of {account['ConcurrentExecutions']} executions, {left} are left for all else"


def check_memory(session: boto3.Session, plan: Plan) -> Findings:
    """Warn of memory that new accounts do not get."""
    own = ("InferenceMemorySize",) if plan.splits else ()
    names = ("MemorySize", "JobMemorySize", "BatchMemorySize", *own)
    large = [f"{name}={plan.parameters[name]}" for name in names if plan.number(name) > _NEW_ACCOUNT_MEMORY]
    if large and (limit := _limits(session)["ConcurrentExecutions"]) < _USUAL_LIMIT:
        text = (
            f"{', '.join(large)}: an account with {limit} executions at once may be new, and new accounts "
            f"are often refused more than {_NEW_ACCOUNT_MEMORY} MB; ask AWS Support"
        )
        yield "warn", text


def check_cost(_session: boto3.Session, plan: Plan) -> Findings:
    """Report what the idle stack costs."""
    count = alarms()
    text = (
        f"at most ${count * 0.1 + 3:.2f} a month: {count} alarms at $0.10, a dashboard at $3 (10 alarms and "
        "3 dashboards of an account are free), and cents for logs and storage"
    )
    yield "ok", text
    for prefix in ("", "Inference") if plan.splits else ("",):
        if plan.parameters[f"{prefix}SnapStart"] == "PublishedVersions":
            size = plan.number(f"{prefix}MemorySize")
            price = size * _SNAPSHOT_PRICE
            yield "warn", f"SnapStart keeps a snapshot of {size} MB: ${price:.2f} a month more"


def _limits(session: boto3.Session) -> AccountLimitTypeDef:
    return session.client("lambda").get_account_settings()["AccountLimit"]
