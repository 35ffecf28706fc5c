"""Functions in containers that use the emulator in the place of AWS.

The emulator listens on this machine's loopback only, where no container gets to. A socket leads there:

    function ──TCP──> relay in a container ──socket──> relay here ──TCP──> emulator
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # SAM's has no types

from local.build import BUILD, TEMPLATE
from local.stack import StackInfo
from tests.sam.sam_local import SamLocal, docker

NAME = f"triptych-test-{os.getpid()}"
PORT = 4566
RELAY = Path(__file__).with_name("relay.py")
STARTING_SECONDS = 10


@contextmanager
def emulated(stack: StackInfo, image: str, directory: Path) -> Iterator[SamLocal]:
    """Gives `sam local` on functions with the settings that they have in a stack, near its emulator.

    Args:
        stack: The stack.
        image: The base image; it has a Python.
        directory: Where files are put; containers may read it.
    """
    template = directory / "template.json"
    template.write_text(json.dumps(_deployed_template(stack)))
    with _relay_here(stack, directory), _relay_there(image, directory) as network:
        yield SamLocal(template, image, network)


@contextmanager
def _relay_here(stack: StackInfo, directory: Path) -> Iterator[None]:
    shutil.copy(RELAY, directory)
    socket = directory / "socket"
    place = urlsplit(stack.endpoint_url).netloc
    relay = subprocess.Popen([sys.executable, str(RELAY), str(socket), place])  # noqa: S603 - ours
    try:
        end = time.monotonic() + STARTING_SECONDS
        while not socket.exists() and time.monotonic() < end:
            time.sleep(0.05)
        yield
    finally:
        relay.terminate()
        relay.wait()


@contextmanager
def _relay_there(image: str, directory: Path) -> Iterator[str]:
    _done("network", "create", NAME)
    try:
        _done(
            *("run", "--detach", "--name", NAME, "--network", NAME, "--network-alias", "emulator"),
            *("--volume", f"{directory}:/relay", "--entrypoint", "python3", image),
            *("/relay/relay.py", f"0.0.0.0:{PORT}", "/relay/socket"),  # of the container's own network
        )
        yield NAME
    finally:
        docker("rm", "--force", "--volumes", NAME)
        docker("network", "rm", NAME)


def _done(*arguments: str) -> None:
    result = docker(*arguments)
    assert result.returncode == 0, result.stderr


def _deployed_template(stack: StackInfo) -> dict[str, Any]:
    """The built template with the variables of the stack: `sam local` sets none that a template lacks."""
    functions = stack.aws().client("lambda")
    template: dict[str, Any] = yaml_parse(TEMPLATE.read_text())
    for name, resource in template["Resources"].items():
        if isinstance(resource, list):  # a loop, over no function or layer
            continue
        properties = resource["Properties"]
        for place in properties.keys() & {"CodeUri", "ContentUri"}:
            properties[place] = str(BUILD / properties[place])
        if resource["Type"] == "AWS::Serverless::Function" and name in stack.resources:
            deployed = functions.get_function_configuration(FunctionName=stack.resources[name])
            properties["Environment"] = {"Variables": _variables(deployed["Environment"]["Variables"])}
    return template


def _variables(deployed: dict[str, str]) -> dict[str, str]:
    here = {"AWS_ENDPOINT_URL": f"http://emulator:{PORT}"}
    models = {"MODEL_REPOSITORY": "/opt/models"} if "MODEL_REPOSITORY" in deployed else {}
    return deployed | here | models
