"""`make smoke`: whether a deployed stack does what it should, seen from outside."""

import time

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from local.checks import CHECKS, Check
from local.failure import LocalFailure
from local.find import find
from local.jobs import Jobs
from local.leftovers import remove
from local.smoke_run import NotShown, SmokeRun
from local.stack import StackInfo

STYLES = {"ok": "green", "wrong": "bold red", "skipped": "yellow"}


def smoke(console: Console, stack_name: str | None) -> None:
    """Check a stack, a line for each check, and remove what that made.

    Args:
        console: Where the lines are shown.
        stack_name: As of `find`.

    Raises:
        LocalFailure: There is no such stack, or something is wrong with it.
    """
    stack = find(stack_name)
    console.print(f"stack {stack.stack_name} at {stack.api_url}", markup=False)
    with Jobs(stack) as api:
        run = SmokeRun(stack, api)
        try:
            wrong = [check.name for check in CHECKS if not passes(console, check, run)]
        finally:
            clean = _removed(console, run)
    if not clean:
        wrong.append("removal")
    if wrong:
        raise LocalFailure(f"wrong: {', '.join(wrong)}")


def passes(console: Console, check: Check, run: SmokeRun) -> bool:
    """Run a check and show its line.

    Args:
        console: Where the line is shown.
        check: The check.
        run: The run that it belongs to.

    Returns:
        Whether nothing is wrong.
    """
    missing = [model for model in check.models if model not in run.served]
    if missing:
        _line(console, "skipped", None, f"{check.name}: the model {missing[0]} is not there")
        return True  # the check of the models has said what is wrong
    started = time.monotonic()
    outcome, said = _outcome(check, run)
    if outcome == "wrong":
        said = f"{said}{_where(check, run.stack)}"
    _line(console, outcome, time.monotonic() - started, f"{check.name}{said}")
    return outcome != "wrong"


def _outcome(check: Check, run: SmokeRun) -> tuple[str, str]:
    try:
        check.run(run)
    except NotShown as reason:
        return "skipped", f": {reason}"
    except (LocalFailure, httpx.HTTPError, BotoCoreError, ClientError) as error:
        return "wrong", f": {error}"
    return "ok", ""


def _where(check: Check, stack: StackInfo) -> str:
    groups = [stack.resources[name] for name in check.logs]
    return f"\n  see the log groups {', '.join(groups)}" if groups else ""


def _removed(console: Console, run: SmokeRun) -> bool:
    started = time.monotonic()
    left = remove(run)
    said = "".join(f"\n  {what}" for what in left)
    seconds = time.monotonic() - started
    _line(console, "wrong" if left else "ok", seconds, f"removed what this made{said and ', but for:'}{said}")
    return not left


def _line(console: Console, outcome: str, seconds: float | None, text: str) -> None:
    console.print(f"{outcome:<8}", style=STYLES[outcome], end="")
    console.print("        " if seconds is None else f"{seconds:6.2f} s", text, markup=False)
