"""Train the sample models: all of them, or the ones that are named."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from training import digits, handwriting, penguins, recommender, reviews, search
from training.artefact import Artefact, check, write_model

EXAMPLES = Path(__file__).parent.parent / "examples"
TRAIN: dict[str, Callable[[], Artefact]] = {
    "digits": digits.train,
    "handwriting": handwriting.train,
    "penguins": penguins.train,
    "recommender": recommender.train,
    "reviews": reviews.train,
    "search": search.train,
}


def main() -> None:
    """Train, check, measure and write each model."""
    arguments = parse()
    for name in arguments.models or TRAIN:
        artefact = TRAIN[name]()
        check(artefact)
        path = write_model(name, artefact)
        report = {"model": name, **artefact.metrics, "size_bytes": path.stat().st_size}
        print(json.dumps(report))
        if arguments.examples:
            write_examples(artefact)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(TRAIN)}; default: all")
    parser.add_argument("--examples", action="store_true", help="also write the files in examples/")
    arguments = parser.parse_args()
    if unknown := set(arguments.models) - set(TRAIN):
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    return arguments


def write_examples(artefact: Artefact) -> None:
    """Write the artefact's example files."""
    EXAMPLES.mkdir(exist_ok=True)
    for name, content in artefact.examples.items():
        (EXAMPLES / name).write_bytes(content if isinstance(content, bytes) else content.encode())


if __name__ == "__main__":
    main()
