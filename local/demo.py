"""`make demo`: a tour of the API with real predictions of the models that ship with the stack."""

from rich.console import Console

from local import batch_tour, job_tour, task_tour, tour
from local.batches import Batches
from local.build import TEMPLATE, ensure_built
from local.emulator import Emulator
from local.jobs import Jobs
from local.stack import StackInfo
from local.up import STACK_FILE, STATE, serving, up


def demo(console: Console) -> None:
    """Show the API from the outside.

    Args:
        console: Where it is shown.
    """
    stack = _running_stack(console)
    with Jobs(stack) as jobs:
        tour.models(console, jobs)
        tour.tensors(console, jobs)
        tour.rows(console, jobs)
        tour.binary(console, stack)
        task_tour.reviews(console, jobs)
        task_tour.drawing(console, jobs)
        tour.mistake(console, jobs)
        tour.new_version(console, stack, jobs)
        job_tour.one(console, stack, jobs)
        job_tour.burst(console, jobs)
        job_tour.bad(console, jobs)
        batches = Batches(stack, jobs)
        batch_tour.one(console, batches)
        batch_tour.large(console, batches)
        batch_tour.recommender(console, batches)
        task_tour.search(console, jobs, batches)
    _farewell(console)


def _running_stack(console: Console) -> StackInfo:
    with console.status("Building the layers and the function; the first time this takes a minute"):
        ensure_built()
    deployed = STACK_FILE.exists() and STACK_FILE.stat().st_mtime > TEMPLATE.stat().st_mtime
    if deployed and Emulator(STATE).running():
        stack = StackInfo.read(STACK_FILE)
        if serving().items() <= stack.parameters.items():
            console.print("[green]✓[/] the stack is up already\n")
            return stack
    return up(console)


def _farewell(console: Console) -> None:
    console.rule("[bold]How to go on", align="left")
    console.print("The stack is still running.")
    console.print("make up      deploys what you changed, and prints lines for curl")
    console.print("make down    stops it")
    console.print("make deploy  takes it to your AWS account")
