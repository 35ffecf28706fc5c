"""`make up`: the stack on this machine, left running."""

import os
from pathlib import Path

from rich.console import Console

from local.build import BUILD, ROOT
from local.deploy import LOCAL_PARAMETERS, deploy
from local.emulator import Emulator
from local.failure import LocalFailure
from local.stack import StackInfo

STATE = ROOT / ".local"
STACK_FILE = STATE / "stack.json"


def up(console: Console) -> StackInfo:
    """Start the emulator unless it runs, deploy to it and write .local/stack.json.

    Args:
        console: Where progress is shown.

    Returns:
        The deployed stack.
    """
    emulator = Emulator(STATE)
    if not emulator.running():
        with console.status("Starting the emulator"):
            emulator.start()
    console.print(f"[green]✓[/] the emulator answers at {emulator.aws().endpoint_url}")
    with console.status("Deploying the stack with sam deploy; this takes half a minute"):
        stack = deploy(emulator.aws(), STATE / "deploy.log", LOCAL_PARAMETERS | serving())
    stack.write(STACK_FILE)
    console.print(f"[green]✓[/] the stack {stack.stack_name} is deployed and ready\n")
    return stack


def serving() -> dict[str, str]:
    """Return the parameter that says who runs the models, where the environment does.

    Raises:
        LocalFailure: It says something else.
    """
    wanted = os.environ.get("SERVING", "")
    if wanted not in {"", "Monolith", "Microservices"}:
        raise LocalFailure(f"SERVING is Monolith or Microservices, not {wanted}")
    return form(wanted) if wanted else {}


def form(wanted: str) -> dict[str, str]:
    """Return the parameters of a stack whose models are run in this way, `Monolith` or `Microservices`."""
    layer = "ModelWeightsLayer" if wanted == "Microservices" else "ModelsLayer"
    return {"Serving": wanted, "ModelDirectory": str(BUILD / layer / "models")}


def guide(stack: StackInfo) -> str:
    """Print how to call the stack.

    Args:
        stack: The deployed stack.

    Returns:
        Lines that can be copied to a terminal.
    """
    url, key = stack.api_url, f"-H 'x-api-key: {stack.api_key}'"
    json, csv, png = (f"-H 'content-type: {kind}'" for kind in ("application/json", "text/csv", "image/png"))
    return f"""\
API           {url}
API key       {stack.api_key}
AWS endpoint  {stack.endpoint_url} (access key test, secret key test)
models        s3://{stack.outputs["ModelBucket"]}/models/
all of it     {_relative(STACK_FILE)}

# URL, KEY, buckets, and aws for this stack: what the README's lines use
eval "$(make env)"

# does everything work?
make smoke

# ready?
curl {url}/v2/health/ready

# what the model takes and gives
curl {key} {url}/v2/models/penguins

# rows in, rows out
curl {key} {csv} --data-binary @examples/penguins.csv {url}/v2/models/penguins/predict

# a text in, a label out
curl {key} {json} -d '{{"instances": [{{"text": "Absolutely delicious!"}}]}}' {url}/v2/models/reviews/predict

# a picture in, a label out
curl {key} {png} --data-binary @examples/digit-7.png {url}/v2/models/handwriting/predict

# a file in, a file out
make transform MODEL=penguins FILE=examples/penguins.csv

# tensors in, tensors out
curl {key} {json} --data-binary @examples/digits.json {url}/v2/models/digits/infer

make up again deploys what you changed; make down stops it."""


def _relative(path: Path) -> Path:
    return path.relative_to(ROOT)
