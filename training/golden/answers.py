"""Writes what a reference answers."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from export import GOLDEN

Row = dict[str, Any]


def write_answers(name: str, reference: str, cases: Sequence[Row]) -> None:
    """Writes the answers about a model.

    Args:
        name: Name of the model.
        reference: What gave the answers.
        cases: What it was asked and what it answered, as `tests/golden/README.md` describes.
    """
    path = GOLDEN / "answers" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    written = ",\n".join(map(_case, cases))
    path.write_text(f'{{"reference": {json.dumps(reference)},\n"cases": [{written}]}}\n', encoding="utf-8")


def _case(case: Row) -> str:
    """Writes a case with a line for each row, and for each answer."""
    settings = f'"settings": {json.dumps(case["settings"])},\n' if "settings" in case else ""
    rows, answers = (",\n".join(json.dumps(_plain(row)) for row in case[key]) for key in ("rows", "answers"))
    return f'{{{settings}"rows": [\n{rows}],\n"answers": [\n{answers}]}}'


def _plain(value: object) -> object:
    """Turns arrays into lists, and rounds to what a 32-bit number holds."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    return float(f"{value:.7g}") if isinstance(value, float) else value
