"""The ONNX project's operator cases through the function: the reference's values, or a clear refusal."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from tests.conformance.comparison import difference
from tests.conformance.deviations import NOT_RUN, UNEQUAL
from tests.conformance.exchange import Exchange, Run
from tests.conformance.tally import Tally, kind_of_refusal
from tests.conformance.wire import outputs_of
from tests.support.realtime import Answer

# The exchanges take half a minute: one process makes them.
pytestmark = pytest.mark.xdist_group("conformance")

PATH = re.compile(r"/\w+/")


def test_numbers(exchanges: Sequence[Exchange]) -> None:
    """As many models are tried and served as the locked versions of ONNX and ONNX Runtime have."""
    assert 1884 == len(exchanges)
    # Four string normalizers need the locale en_US.UTF-8, which not every machine has.
    assert len([case for case in exchanges if case.metadata.status == 200]) in range(1606, 1611)


def test_statuses(exchanges: Sequence[Exchange], statuses: dict[str, int]) -> None:
    """A model is served exactly if ONNX Runtime opens it and the protocol has its types."""
    assert statuses == {asked.case.name: asked.metadata.status for asked in exchanges}


def test_readiness(exchanges: Sequence[Exchange]) -> None:
    """A model that is served is ready; one that is not is unavailable, for the same reason."""
    for asked in exchanges:
        if asked.metadata.status == 200:
            assert {"name": asked.case.name, "ready": True} == asked.ready.json()
        else:
            assert (503, asked.metadata.error) == (asked.ready.status, asked.ready.error)


def test_refusals(exchanges: Sequence[Exchange], tally: Tally) -> None:
    """A refusal gives a reason that we know, and no paths."""
    for asked in exchanges:
        if asked.metadata.status == 200:
            continue
        message = asked.metadata.error
        assert message.startswith(f"model {asked.case.name!r} version 1 cannot be loaded: ")
        assert PATH.search(message) is None
        tally.refusals[asked.metadata.status, kind_of_refusal(message)] += 1


def test_binary(exchanges: Sequence[Exchange], tally: Tally) -> None:
    """In binary, outputs are the reference's; what ONNX Runtime cannot run is the request's fault."""
    failures = {}
    for run in _runs(exchanges):
        if run.case.name in NOT_RUN:
            failures[run.case.name] = _unexpected(run.binary, 400, "cannot run on these inputs")
            tally.answers["binary: 400, ONNX Runtime does not run these inputs"] += 1
        else:
            failures[run.case.name] = _compared(run, run.binary)
            tally.answers[f"binary: {_equal(run)}"] += 1
    assert {} == _present(failures)


def test_json(exchanges: Sequence[Exchange], tally: Tally) -> None:
    """In JSON, outputs are the same; BF16 has no JSON form, and is refused by name."""
    failures = {}
    for run in _runs(exchanges):
        if run.has_bfloat16:
            failures[run.case.name] = _unexpected(run.json, 400, "BF16 has no JSON form")
            tally.answers["JSON: 400, BF16 has no JSON form"] += 1
        elif run.case.name in NOT_RUN:
            failures[run.case.name] = _unexpected(run.json, 400, "cannot run on these inputs")
            tally.answers["JSON: 400, ONNX Runtime does not run these inputs"] += 1
        else:
            failures[run.case.name] = _compared(run, run.json)
            tally.answers[f"JSON: {_equal(run)}"] += 1
    assert {} == _present(failures)


def _runs(exchanges: Sequence[Exchange]) -> list[Run]:
    return [run for asked in exchanges for run in asked.runs]


def _present(failures: dict[str, str | None]) -> dict[str, str]:
    return {name: failure for name, failure in failures.items() if failure is not None}


def _compared(run: Run, answer: Answer) -> str | None:
    if answer.status != 200:
        return f"{answer.status} {answer.error}"
    return difference(run.case, run.expected, outputs_of(answer))


def _unexpected(answer: Answer, status: int, words: str) -> str | None:
    if answer.status == status and words in answer.error:
        return None
    return f"{answer.status} {answer.body!r}"


def _equal(run: Run) -> str:
    if run.case.name in UNEQUAL:
        return "200, shapes and datatypes of the reference (listed deviations)"
    return "200, values of the reference"
