"""What the program is started from: the layers as they are built, or this project's environment."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness.processes import Program
from benchmarks.models import ROOT

_BUILT = ROOT / ".aws-sam/build"
_ENVIRONMENT = Path(sysconfig.get_path("purelib"))
_REGION = "eu-central-1"


class Tree(NamedTuple):
    """Where modules are imported from.

    Attributes:
        name: What it is called.
        paths: The function and its layers.
    """

    name: str
    paths: tuple[Path, ...]

    def program(self, script: str, *arguments: Path | str, models: Path, rivals: bool = False) -> Program:
        """Makes a program that runs a contestant's script as Lambda would, in the bare interpreter.

        Args:
            script: Name of the script.
            *arguments: Its arguments.
            models: The model repository.
            rivals: Whether it imports what this project's environment has.
        """
        paths = [*self.paths, *([_ENVIRONMENT, ROOT] if rivals else [])]
        file = ROOT / "benchmarks/contestants/cold" / f"{script}.py"
        interpreter = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
        return Program(
            [str(interpreter), "-S", "-P", str(file), *map(str, arguments)],
            {
                "PYTHONPATH": ":".join(map(str, paths)),
                "AWS_REGION": _REGION,
                "AWS_DEFAULT_REGION": _REGION,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
                "MODEL_REPOSITORY": str(models),
                "POWERTOOLS_SERVICE_NAME": "realtime",
                "POWERTOOLS_METRICS_NAMESPACE": "Triptych",
            },
        )


def tree(function: str = "realtime", wheels: str = "OnnxRuntimeLayer") -> Tree:
    """Finds the built layers; without them, uses the project's files and environment.

    Args:
        function: Folder of the function.
        wheels: Its layer of third-party wheels.
    """
    layers = [_BUILT / name / "python" for name in ("TriptychLayer", wheels)]
    if all(layer.is_dir() for layer in layers):
        return Tree("the built layers", (_BUILT / f"{function.title()}Function", *layers))
    own = (ROOT / "functions" / function, ROOT / "layers/triptych", _ENVIRONMENT)
    return Tree("the project's environment (there are no built layers)", own)
