"""Values of the template's parameters: from answers of a person, and from a command line."""

import re
import shlex
from collections.abc import Mapping
from difflib import get_close_matches

from rich.console import Console

from account import template
from local.failure import LocalFailure
from local.terminal import ask

QUESTIONS = {
    "AlarmEmail": "Address that alarms are mailed to; empty: nobody is told",
    "Authorization": "NONE: callers send an API key; AWS_IAM: they also sign with IAM credentials",
    "ExistingModelBucket": "A bucket of yours with models under models/; empty: the stack creates one",
}
"""Parameters that a first deployment asks for. All others start with their defaults."""


def parse(text: str) -> dict[str, str]:
    """Read values from a command line.

    Args:
        text: Name=value pairs with spaces between them, quoted as for a shell.

    Returns:
        Values by name.

    Raises:
        LocalFailure: The text is no such list, a parameter does not exist, or its value is not allowed.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise LocalFailure(f"PARAMETERS: {error}: {text}") from error
    values: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator:
            raise LocalFailure(f"PARAMETERS: expected Name=value, got {word}")
        if problem := check(name, value):
            raise LocalFailure(f"PARAMETERS: {problem}")
        values[name] = value
    return values


def check(name: str, value: str) -> str | None:
    """Compare a value with what the template declares.

    Args:
        name: The name of a parameter.
        value: Its value.

    Returns:
        What is wrong, or None.
    """
    declared = template.parameters().get(name)
    if declared is None:
        near = get_close_matches(name, template.parameters(), n=1)
        return f"no parameter is named {name}" + (f"; did you mean {near[0]}?" if near else "")
    allowed = [str(value) for value in declared.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"{name} is one of {', '.join(allowed)}, not {value}"
    if declared["Type"] == "Number":
        return _check_number(name, value, declared)
    pattern = declared.get("AllowedPattern")
    if (pattern and not re.fullmatch(pattern, value)) or len(value) > declared.get("MaxLength", len(value)):
        return f"{name} cannot be {value!r}: {declared['Description']}"
    return None


def ask_for(console: Console, known: Mapping[str, str]) -> dict[str, str]:
    """Ask for the parameters that matter in a first deployment.

    Args:
        console: Where the questions are shown.
        known: Values that are given already.

    Returns:
        The answers that differ from the template's defaults.
    """
    defaults = template.defaults()
    answers: dict[str, str] = {}
    for name, explanation in QUESTIONS.items():
        if name in known:
            continue
        console.print(f"\n{explanation}", markup=False)
        answer = ask(console, name, defaults[name])
        while problem := check(name, answer):
            console.print(problem, markup=False)
            answer = ask(console, name, defaults[name])
        if answer != defaults[name]:
            answers[name] = answer
    return answers


def _check_number(name: str, value: str, declared: Mapping[str, int]) -> str | None:
    least, most = declared.get("MinValue"), declared.get("MaxValue")
    if not value.isdecimal():
        return f"{name} is a number, not {value!r}"
    if (least is not None and int(value) < least) or (most is not None and int(value) > most):
        return (
            f"{name} is at least {least}"
            + (f" and at most {most}" if most is not None else "")
            + f", not {value}"
        )
    return None
