"""`make add`: puts a model where it is served, and waits until it answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from rich.console import Console
from triptych.protocol.names import is_version

from adding.curl import Example, example_of
from adding.destination import Destination
from adding.inspection import Inspection, inspect
from adding.layer import Layer
from adding.model_bucket import ModelBucket
from adding.report import show
from adding.source import Source
from local.calls import Calls
from local.failure import LocalFailure
from local.find import find
from local.stack import StackInfo

LOCAL = "local"
LOOK_SECONDS = 1.0
BYTES_A_SECOND = 10e6  # a cautious rate of download, into the function


class Wish(NamedTuple):
    """What the user wants.

    Attributes:
        version: Number of the version; None for the next that is free.
        stack: A stack of the account; `local`: that of `make up`; None for the layer of models.
        example: A file of rows to try the model with.
    """

    version: str | None = None
    stack: str | None = None
    example: Path | None = None


def add(console: Console, model: str, source: Source, wish: Wish) -> Mapping[str, Any]:
    """Looks at a model, and adds it.

    Args:
        console: Where it is told.
        model: Its name.
        source: Its files.
        wish: Where to, as what.

    Returns:
        What was seen, and where the model is, as JSON values.

    Raises:
        NotServed: It would not be served.
        LocalFailure: It cannot be put there, or does not answer.
    """
    stack = find(None if wish.stack == LOCAL else wish.stack) if wish.stack else None
    layer = Layer()
    destination = ModelBucket(stack) if stack else layer
    check_config(destination, model, source)
    version = chosen_version(destination, model, wish.version)
    with console.status("Opening and running it"):
        config = destination.config(model) or layer.config(model)
        seen = inspect(model, source, config, wish.example)
    show(console, seen)
    destination.check(seen)
    with console.status(f"Writing it to {destination.name}"):
        destination.put(model, version, source)
    console.print(f"[green]✓[/] version {version} is in {destination.name}", markup=True)
    example = example_of(seen, wish.example)
    added = {"version": version, "added_to": destination.name}
    if stack:
        told = _called(console, stack, seen, example, version)
    else:
        told = _told(console, model, example, version)
    return seen.document() | added | told


def _called(
    console: Console, stack: StackInfo, seen: Inspection, example: Example, version: int
) -> dict[str, str]:
    path = f"/v2/models/{seen.model}/versions/{version}"
    with Calls(stack) as api:
        answer = wait(console, api, path, example, patience(stack, seen))
    console.print("[green]✓[/] it answers:\n")
    curl = example.curl(f"{stack.api_url}{path}/predict", f"'x-api-key: {stack.api_key}'")
    console.print(f"{curl}\n{answer[:500]}", markup=False)
    return {"curl": curl, "url": f"{stack.api_url}{path}"}


def _told(console: Console, model: str, example: Example, version: int) -> dict[str, str]:
    curl = example.curl(f'"$URL/v2/models/{model}/versions/{version}/predict"', '"x-api-key: $KEY"')
    console.print(
        "deploy it: make up (on this machine), or make deploy (to your account); then\n\n"
        f'eval "$(make env)"\n{curl}',
        markup=False,
    )
    return {"curl": curl}


def chosen_version(destination: Destination, model: str, wanted: str | None) -> int:
    """Returns the number of a version that is to be: the wanted one, or the next that is free.

    Raises:
        LocalFailure: It is no number, or is taken.
    """
    taken = destination.versions(model)
    if wanted is None:
        return max(taken, default=0) + 1
    if not is_version(wanted):
        raise LocalFailure(f"VERSION={wanted}: expected a number from 1, without leading zeros")
    if int(wanted) in taken:
        raise LocalFailure(
            f"version {wanted} of {model} is there, and is not overwritten: "
            f"leave VERSION out for the next free one, {max(taken) + 1}"
        )
    return int(wanted)


def check_config(destination: Destination, model: str, source: Source) -> None:
    """Checks that a `model.toml` that comes along changes none that is there, which is for all versions.

    Raises:
        LocalFailure: Another one is there.
    """
    there = destination.config(model)
    if source.config and there is not None and there != source.config.read_bytes():
        raise LocalFailure(
            f"{model} has another model.toml in {destination.name}, which is for all of its versions: "
            f"change that one, and add the model without {source.config}"
        )


def wait(console: Console, api: Calls, path: str, example: Example, seconds: float) -> str:
    """Waits until a version answers.

    Args:
        console: Where it is shown that this takes time.
        api: Calls the stack.
        path: Of the version.
        example: What it is asked.
        seconds: How long.

    Returns:
        The answer.

    Raises:
        LocalFailure: It does not in time, or refuses the example.
    """
    end = time.monotonic() + seconds
    with console.status("Waiting until it answers: the stack looks for new versions now and then"):
        while True:
            answer = api.post(f"{path}/predict", example.body, example.kind)
            if answer.is_success:
                return answer.text
            later = answer.status_code == httpx.codes.NOT_FOUND or answer.is_server_error
            if not later or time.monotonic() > end:
                raise LocalFailure(
                    f"{path} is there, but does not answer: {answer.status_code} {answer.text}"
                )
            time.sleep(LOOK_SECONDS)


def patience(stack: StackInfo, seen: Inspection) -> float:
    """Returns the seconds after which a version should answer: found, downloaded and opened."""
    refresh = float(stack.parameters.get("ModelRefreshSeconds") or 60)
    return 2 * refresh + 60 + 4 * seen.look.opening + seen.source.size / BYTES_A_SECOND
