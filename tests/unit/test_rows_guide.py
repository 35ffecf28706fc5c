"""Predictions for rows by the sample models, and what the guide to rows says of them."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import orjson
import pytest
from triptych.clock import Deadline
from triptych.errors import TriptychError
from triptych.inference.rows import predict_rows
from triptych.models.config import SessionSettings, parse_model_config
from triptych.models.model import Model
from triptych.models.session import open_session
from triptych.rows.options import row_options

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```http\n(.*?)```", (ROOT / "docs" / "rows.md").read_text(), re.DOTALL)
EXAMPLES = list(zip(BLOCKS[::2], BLOCKS[1::2], strict=True))
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
LINES = "application/jsonlines"


def sample(name: str) -> Model:
    """Opens a sample model."""
    directory = ROOT / "layers" / "models" / name
    config = parse_model_config((directory / "model.toml").read_text())
    return Model(name, 1, config, open_session(directory / "1" / "model.onnx", SessionSettings()))


def predict(model: Model, body: str | bytes, content_type: str, **wanted: str) -> bytes:
    """Predicts for rows within a minute."""
    body = body.encode() if isinstance(body, str) else body
    return predict_rows(model, body, row_options(content_type, **wanted), Deadline.after(60)).body


def answer_to(example: str) -> str:
    """Returns the answer to a request of the guide, in the notation of the guide."""
    head, _, body = example.partition("\n\n")
    line, *fields = head.splitlines()
    url = urlsplit(line.removeprefix("POST "))
    headers = dict(field.split(": ", 1) for field in fields)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    asked = (headers["Content-Type"], headers.get("Accept"), query.get("join"), query.get("outputs"))
    try:
        answer = predict_rows(
            sample(url.path.split("/")[3]), body.encode(), row_options(*asked), Deadline.after(60)
        )
    except TriptychError as error:
        return f"{error.status}\n\n{orjson.dumps({'error': str(error)}).decode()}"
    return f"200\nContent-Type: {answer.content_type}\n\n{answer.body.decode()}"


@pytest.mark.parametrize(("request_text", "answer_text"), EXAMPLES)
def test_the_guide_shows_what_happens(request_text: str, answer_text: str) -> None:
    """Every request of the guide gets the answer beside it; processors may differ in the last digits."""
    actual = answer_to(request_text)
    assert NUMBER.sub("#", answer_text).strip() == NUMBER.sub("#", actual).strip()
    expected = [float(number) for number in NUMBER.findall(answer_text)]
    assert expected == pytest.approx([float(number) for number in NUMBER.findall(actual)], rel=1e-3, abs=1e-6)


def test_penguins_with_missing_cells_are_classified() -> None:
    """Missing measures, an unknown island, a missing year: the model copes."""
    body = (
        "year,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,id\n"
        "2007,Torgersen,39.1,18.7,181,3750,male,a\n"
        ",Biscoe,46.1,13.2,211,4500,female,b\n"
        "2009,Mars,NA,,NaN,3800,,c\n"
    )
    answer = predict(sample("penguins"), body, "text/csv", accept=LINES, join="id", outputs="species")
    rows = [orjson.loads(line) for line in answer.splitlines()]
    assert [("a", "Adelie"), ("b", "Gentoo")] == [(row["id"], row["species"]) for row in rows[:2]]
    assert rows[2]["species"] in {"Adelie", "Chinstrap", "Gentoo"}


def test_a_digit_is_the_same_in_rows_of_any_kind() -> None:
    """64 columns of CSV, a nested array and a flat one are one image."""
    model = sample("digits")
    image = np.arange(64) % 17
    flat, nested = image.tolist(), image.reshape(8, 8).tolist()
    line = ",".join(map(str, flat))
    header = ",".join(f"pixel{index}" for index in range(64))
    answers = {
        predict(model, f"{header}\n{line}\n", "text/csv", accept=LINES),
        predict(model, f"{line}\n", "text/csv; header=absent", accept=LINES),
        *(
            predict(model, orjson.dumps(row), LINES)
            for row in (flat, nested, {"image": flat}, {"image": nested})
        ),
    }
    assert 1 == len(answers)


def test_films_are_recommended_to_users_in_any_notation() -> None:
    """A bare number, an array and an object are the same user."""
    body = '{"instances": [15, [15], {"user_id": 15.0}]}'
    answer = orjson.loads(predict(sample("recommender"), body, "application/json"))
    first, second, third = answer["predictions"]
    assert first == second == third
    assert (10, 10) == (len(first["items"]), len(first["scores"]))
