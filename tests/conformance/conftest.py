"""The operator cases, served; and a report of what came of them."""

from __future__ import annotations

import pytest

from tests.conformance.exchange import Exchange, exchange
from tests.conformance.operator_cases import OperatorCase, expected_status, operator_cases
from tests.conformance.tally import Tally
from tests.support.realtime import RealtimeFunction, add_model

TALLY = pytest.StashKey[Tally]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Returns how many models were served, and why the others were not."""
    if TALLY in config.stash:
        terminalreporter.section("conformance")
        for line in config.stash[TALLY].lines():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def cases() -> tuple[OperatorCase, ...]:
    """Every case."""
    return operator_cases()


@pytest.fixture(scope="session")
def statuses(cases: tuple[OperatorCase, ...]) -> dict[str, int]:
    """Status that a request about each case's model should be answered with."""
    return {case.name: expected_status(case.model) for case in cases}


@pytest.fixture(scope="session")
def exchanges(
    cases: tuple[OperatorCase, ...], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Exchange, ...]:
    """What the function answers about every case, all of them in one repository."""
    models = tmp_path_factory.mktemp("models")
    for case in cases:
        add_model(models, case.name, case.model.SerializeToString())
    function = RealtimeFunction(models)
    return tuple(exchange(function, case) for case in cases)


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config, cases: tuple[OperatorCase, ...]) -> Tally:
    """Counts that the summary of the run shows."""
    return pytestconfig.stash.setdefault(TALLY, Tally(models=len(cases)))
