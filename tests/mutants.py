"""Shows which bugs the tests would notice: tries a random sample of small changes to the package.

`make mutants [MODULE=folder] [N=100] [SEED=1]`. mutmut makes the changes and runs, for each, the unit and
integration tests that reach the changed function, with few examples of each property and without those that
take many seconds. Printed are a table by folder and the changes that no test noticed.

Left out of the sample are changes to nothing but the words of a message: tests look for what a message says,
not for its letters.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from mutmut.mutation.diff_apply import get_diff_for_mutant
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
STAGE = ROOT / ".mutants"
"""A copy of the project in which the package is below `src/`, where mutmut looks for it."""

CAUGHT = {"killed", "timeout", "segfault"}
WARM_UP = "triptych.clock.x_moment__*"
"""Changes that are tried first: whatever is tried, mutmut makes all changes and times all tests before."""

_CONFIG = """\
[mutmut]
source_paths=src/triptych
do_not_mutate={alone}
also_copy={others}
pytest_add_cli_args_test_selection=
    tests/unit
    tests/integration
pytest_add_cli_args=
    --hypothesis-profile=quick
    --ignore-glob=*/test_account_*
    --ignore-glob=*/test_jobs_machine.py
    -m
    not slow
timeout_multiplier=2
"""
ALONE = "src/triptych/rows/parquet_process.py"
"""Runs in a process of its own that finds no library beside it, so not mutmut either."""

_LITERAL = re.compile(r"""f?"[^"]*"|f?'[^']*'""")


def main() -> None:
    """Tries a sample, and prints what came of it; survivors are for people to look at, and no failure."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="Tries changes to the package"
    )
    parser.add_argument(
        "--module", default="", help="folder or module of the package, such as jobs; else all"
    )
    parser.add_argument("--number", type=int, default=100, help="how many changes are tried")
    parser.add_argument("--seed", type=int, default=1, help="of the random sample")
    arguments = parser.parse_args()
    stage()
    os.chdir(STAGE)
    _mutmut("run", WARM_UP)
    names = sample(arguments.module, arguments.number, arguments.seed)
    _mutmut("run", *names)
    came = dict(statuses())
    report(Console(soft_wrap=True, highlight=False), {name: came[name] for name in names})


def stage() -> None:
    """Copies all files that git knows; changes that were made of files as they are now are not made again."""
    made = STAGE / "mutants"
    (made / "mutmut-stats.json").unlink(missing_ok=True)  # which tests reach what: of other tests, perhaps
    for path in set(STAGE.glob("*")) - {made}:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    command = ["git", "ls-files"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    for name in listed.stdout.splitlines():
        target = STAGE / name.replace("layers/triptych/triptych/", "src/triptych/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    others = sorted({path.name for path in STAGE.iterdir()} - {"src", "tests", made.name})
    lines = "".join(f"\n    {name}" for name in others)
    (STAGE / "setup.cfg").write_text(_CONFIG.format(alone=ALONE, others=lines))


def sample(module: str, number: int, seed: int) -> list[str]:
    """Draws changes at random: the same ones for the same code and seed.

    Args:
        module: Folder or module of the package; empty stands for all of it.
        number: How many, at most.
        seed: Of the order that they are drawn in.

    Returns:
        Their names.
    """
    prefix = f"triptych.{module.strip('/').replace('/', '.')}" if module else "triptych."
    names = sorted(name for name, _ in statuses() if name.startswith(prefix))
    random.Random(seed).shuffle(names)  # noqa: S311 - no secret
    drawn = (name for name in names if not only_words(get_diff_for_mutant(name)))
    return list(islice(drawn, number))


def statuses() -> Iterator[tuple[str, str]]:
    """Names every change that there is, and what came of it."""
    for line in _mutmut("results", "--all", "true").splitlines():
        name, _, status = line.strip().partition(": ")
        yield name, status


def only_words(diff: str) -> bool:
    """Returns whether nothing but the text of a message is changed."""
    changed = [line for line in diff.splitlines()[2:] if line[:1] in {"-", "+"}]
    removed, added = ([line[1:] for line in changed if line[0] == sign] for sign in "-+")
    without = [[_LITERAL.sub('""', line) for line in lines] for lines in (removed, added)]
    return without[0] == without[1] and any(
        " " in text for line in removed for text in _LITERAL.findall(line)
    )


def report(console: Console, tried: Mapping[str, str]) -> None:
    """Prints shares by folder, and the changes that survived."""
    folders = Counter(name.split(".")[1] for name in tried)
    caught = Counter(name.split(".")[1] for name, status in tried.items() if status in CAUGHT)
    table = Table("folder", "tried", "caught", "share")
    for folder, count in [*sorted(folders.items()), ("all", len(tried))]:
        found = caught.total() if folder == "all" else caught[folder]
        table.add_row(folder, str(count), str(found), f"{found / count:.0%}")
    for name, status in sorted(tried.items()):
        if status not in CAUGHT:
            console.print(f"\n{name}: {status}\n{get_diff_for_mutant(name)}", markup=False)
    console.print(table)


def _mutmut(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own arguments
    if run.returncode:
        sys.exit(f"mutmut {arguments[0]} failed:\n{run.stdout[-4000:]}")
    return run.stdout


if __name__ == "__main__":
    main()
