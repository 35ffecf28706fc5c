"""Answers of Transformers, sentence-transformers and others themselves; `tests/golden/README.md` says how."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.realtime import RealtimeFunction

GOLDEN = Path(__file__).parents[1] / "golden"
ANSWERS = sorted((GOLDEN / "answers").glob("*.json"))
TOLERANCE = 1e-4


@pytest.mark.parametrize("path", ANSWERS, ids=[path.stem for path in ANSWERS])
def test_answers(path: Path, tmp_path: Path) -> None:
    """All rows in one request get what the reference answered to each alone."""
    for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
        models = tmp_path / str(len(list(tmp_path.iterdir())))
        add_golden_model(models, path.stem, case.get("settings", ""))
        predictions = predict(models, path.stem, case["rows"])
        assert len(case["answers"]) == len(predictions)
        for row, (expected, actual) in enumerate(zip(case["answers"], predictions, strict=True)):
            assert_equal(expected, actual, f"row {row + 1}, {case['rows'][row]}")


def add_golden_model(models: Path, name: str, settings: str) -> None:
    """Puts a golden model into a repository, with settings of its own."""
    (models / name).mkdir(parents=True)
    (models / name / "model.toml").write_text(settings, encoding="utf-8")
    (models / name / "1").symlink_to(GOLDEN / "models" / name / "1", target_is_directory=True)


def predict(models: Path, name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Asks a model through the function."""
    body = json.dumps({"instances": [row | image_of(row) for row in rows]}).encode()
    headers = {"content-type": "application/json"}
    answer = RealtimeFunction(models).post("/v2/models/{model}/predict", body, headers, model=name)
    assert 200 == answer.status, answer.body
    predictions: list[dict[str, Any]] = answer.json()["predictions"]
    return predictions


def image_of(row: dict[str, Any]) -> dict[str, str]:
    """Returns the image that a row names, in base64."""
    if "image" not in row:
        return {}
    return {"image": base64.b64encode((GOLDEN / "images" / row["image"]).read_bytes()).decode()}


def assert_equal(expected: object, actual: object, where: str) -> None:
    """Compares numbers with a fraction within the tolerance, and all else exactly."""
    match expected, actual:
        case dict(), dict():
            for key, value in expected.items():
                assert_equal(value, actual.get(key), f"{where}: {key}")
        case list(), list():
            assert len(expected) == len(actual), where
            for index, pair in enumerate(zip(expected, actual, strict=True)):
                assert_equal(*pair, f"{where}[{index}]")
        case float(), float() | int():
            assert pytest.approx(expected, abs=TOLERANCE, rel=TOLERANCE) == actual, where
        case _:
            assert expected == actual, where
