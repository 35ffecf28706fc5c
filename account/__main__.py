"""Command line: `python -m account preflight|deploy|destroy`."""

import argparse
import sys
from dataclasses import replace

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from account.connection import connect
from account.deploy import choose_name, deploy
from account.destroy import destroy
from account.parameters import parse
from account.plan import DEFAULT_STACK_NAME, Plan, plan
from account.preflight import preflight
from local.failure import LocalFailure


def main() -> int:
    """Run one command.

    Returns:
        The exit status.
    """
    arguments = _parser().parse_args()
    console = Console(soft_wrap=True, highlight=False)
    try:
        return _run(console, arguments)
    except LocalFailure as failure:
        reason = str(failure)
    except (BotoCoreError, ClientError) as error:
        reason = f"AWS answers: {error}"
    except (KeyboardInterrupt, EOFError):
        reason = "interrupted"
    console.print("[bold red]failed:[/] ", end="")
    console.print(reason, markup=False)
    return 1


def _run(console: Console, arguments: argparse.Namespace) -> int:
    session = connect()
    name = arguments.stack or DEFAULT_STACK_NAME
    match arguments.command:
        case "preflight":
            return 0 if preflight(console, session, _planned(session, name, arguments)) else 1
        case "deploy":
            name = arguments.stack or choose_name(console, session, yes=arguments.yes)
            deploy(console, session, _planned(session, name, arguments), yes=arguments.yes)
        case "destroy":
            destroy(console, session, name, yes=arguments.yes, data=arguments.data)
    return 0


def _planned(session: boto3.Session, name: str, arguments: argparse.Namespace) -> Plan:
    found = plan(session, name, arguments.architecture, parse(arguments.parameters))
    return replace(found, inference_architecture=arguments.inference_architecture)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m account", description="A stack in an AWS account")
    commands = parser.add_subparsers(dest="command", required=True)
    preflight_parser = commands.add_parser("preflight", help="say what will not work or cost unexpectedly")
    deploy_parser = commands.add_parser("deploy", help="create or update a stack")
    destroy_parser = commands.add_parser("destroy", help="remove a stack")
    for command in (preflight_parser, deploy_parser, destroy_parser):
        command.add_argument("--stack", help="name of the stack")
    for command in (preflight_parser, deploy_parser):
        command.add_argument("--architecture", default="x86_64", help="what was built")
        command.add_argument("--inference-architecture", default="", help="what ONNX Runtime was built for")
        command.add_argument("--parameters", default="", help="values of parameters: 'Name=value Name=value'")
    for command in (deploy_parser, destroy_parser):
        command.add_argument("--yes", action="store_true", help="ask nothing")
    destroy_parser.add_argument(
        "--data", action="store_true", help="delete the buckets and what is in them too"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
