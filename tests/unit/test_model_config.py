"""What a `model.toml` may say, and what it is told when it may not."""

import pytest
from triptych.errors import ModelUnavailable
from triptych.models.config import ModelConfig, SessionSettings, parse_model_config
from triptych.rows.formats import Format
from triptych.rows.options import BatchOptions

FULL = """
description = "Species of penguins"
columns = ["island", "year"]
key = "id"

[labels]
probabilities = ["Adelie", "Chinstrap", "Gentoo"]

[missing]
island = "Dream"
year = 2008
mass = 4.5
banded = false

[session]
threads = 2
weights = "prepacked"
arena = false

[jobs]
group = true

[batch]
join = "island,year"
format = "parquet"
lookup = true
tolerance = 0.25
"""


def test_everything_can_be_said() -> None:
    """Every key of the file reaches the configuration."""
    expected = ModelConfig(
        description="Species of penguins",
        columns=("island", "year"),
        key="id",
        labels={"probabilities": ("Adelie", "Chinstrap", "Gentoo")},
        missing={"island": "Dream", "year": 2008, "mass": 4.5, "banded": False},
        threads=2,
        weights="prepacked",
        arena=False,
        group=True,
        batch=BatchOptions(join="island,year", format=Format.PARQUET, lookup=True, tolerance=0.25),
    )
    assert expected == parse_model_config(FULL)


def test_nothing_needs_to_be_said() -> None:
    """An empty file, like no file, leaves every default."""
    assert ModelConfig() == parse_model_config("")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("descripton = 'x'", "unknown key 'descripton' (did you mean 'description'?); expected one of desc"),
        ("threads = 2", "unknown key 'threads'; expected one of description"),
        (
            "[session]\nthread = 2",
            "unknown key 'session.thread' (did you mean 'threads'?); expected one of th",
        ),
        ("[sessions]", "unknown key 'sessions' (did you mean 'session'?); expected one of description"),
        ("[label]\ny = ['a']", "unknown key 'label' (did you mean 'labels'?)"),
        ("description = 1", "description: expected a string, got '1'"),
        ("columns = 'a'", "columns: expected a list of names, got 'a'"),
        ("columns = []", "columns: expected a list of names, got '[]'"),
        ("columns = ['a', 1]", "columns[1]: expected a string, got '1'"),
        ("columns = ['a', 'a']", "columns: expected every name once"),
        ("key = ['id']", "key: expected a string"),
        ("labels = ['a']", "labels: expected a table"),
        ("[labels]\ny = 'a'", "labels.y: expected a list of names, got 'a'"),
        ("[labels]\ny = ['a', 'b', 'a']", "labels.y: expected every name once"),
        ("[missing]\nyear = 2008-01-01", "missing.year: expected a string, a number, true or false"),
        ("[missing]\nyear = [1]", "missing.year: expected a string, a number, true or false, got '[1]'"),
        ("session = 1", "session: expected a table, got '1'"),
        ("[session]\nthreads = 0", "session.threads: expected an integer from 1 to 64, got '0'"),
        ("[session]\nthreads = true", "session.threads: expected an integer from 1 to 64, got 'True'"),
        ("[session]\nthreads = 1.5", "session.threads: expected an integer from 1 to 64, got '1.5'"),
        ("[session]\nweights = 'fast'", "session.weights: expected 'mapped' or 'prepacked', got 'fast'"),
        ("[session]\nweights = ['mapped']", "session.weights: expected 'mapped' or 'prepacked'"),
        ("[session]\narena = 1", "session.arena: expected true or false, got '1'"),
        ("[jobs]\ngroup = 'always'", "jobs.group: expected true or false, got 'always'"),
        ("[jobs]\ngroups = true", "unknown key 'jobs.groups' (did you mean 'group'?); expected one of group"),
        ("[batch]\ntolerance = 'half'", "batch.tolerance: expected a number from 0 to 1, got 'half'"),
        ("[batch]\ntolerant = 1", "unknown option 'batch.tolerant' (did you mean 'tolerance'?); options are"),
        ("batch = true", "batch: expected a table, got 'True'"),
        ("jobs = true", "jobs: expected a table, got 'True'"),
        ("a = ", "expected TOML: "),
        ("a = " + "[" * 10_000, "expected TOML: "),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    """A file that cannot be meant so makes its model unavailable, with what, expected and got."""
    with pytest.raises(ModelUnavailable) as caught:
        parse_model_config(text)
    assert str(caught.value).startswith(f"model.toml: {message}")


def test_settings_fall_back_to_the_functions_own() -> None:
    """What the file leaves open is the function's choice, what it says is not."""
    defaults = SessionSettings(threads=4, weights="prepacked", arena=False)
    assert defaults == ModelConfig().settings(defaults)
    said = ModelConfig(threads=1, weights="mapped", arena=True)
    assert SessionSettings(threads=1, weights="mapped", arena=True) == said.settings(defaults)
