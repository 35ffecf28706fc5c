"""Every benchmark runs on tiny input, and nobody's time is judged."""

from pathlib import Path

from benchmarks.batch import FLOOR as ARRO3
from benchmarks.batch import OURS as ENGINE
from benchmarks.batch import batch
from benchmarks.cold_start import cold_start
from benchmarks.functions import FUNCTIONS
from benchmarks.harness.measuring import SMOKE
from benchmarks.harness.result import Result, load
from benchmarks.jobs import ALONE, GROUPED, jobs
from benchmarks.profiles import profiles
from benchmarks.servers import PEERS, Peer, servers
from benchmarks.serving import ONE, TWO, one_function, serving, two_functions
from benchmarks.summary import HEADLINES, answered
from benchmarks.texts import FILES, JOBS, LOOP, PADDING, REAL_TIME, SORTED, texts
from benchmarks.warm_request import FASTAPI, FLOOR, HAND, IN_THREADS, OURS, warm_request
from benchmarks.workflow import DIRECT, workflow


def in_summary(result: Result) -> bool:
    """Whether the summary finds all that it tells of a result."""
    told = [answered(headline, result) for headline in HEADLINES if headline.question == result.question]
    return bool(told) and all(measured for _, measured, *_ in told)


def test_warm_requests(tmp_path: Path) -> None:
    """All contestants answer every request with the same numbers, and each has a figure."""
    result = warm_request(SMOKE)
    assert in_summary(result)
    few = [OURS, FLOOR, HAND]
    asked = [*few, FASTAPI]
    expected = [*asked, IN_THREADS, *asked * 3, *few * 3, *asked]
    assert expected == [figure.contestant for figure in result.figures]
    assert all(figure.value.median > 0 for figure in result.figures)
    assert result.goals == load(result.save(tmp_path)).goals


def test_cold_starts() -> None:
    """Every program answers the same, and each has a time and a peak of memory."""
    result = cold_start(SMOKE, FUNCTIONS[:1])
    assert in_summary(result)
    assert ["s"] * (4 + 2 + 2) + ["bytes"] * 4 == [figure.unit for figure in result.figures]
    assert all(figure.value.median > 0 for figure in result.figures)


def test_jobs() -> None:
    """Every job ends with a result, grouped and one by one, for both models."""
    result = jobs(SMOKE)
    assert in_summary(result)
    assert [GROUPED, ALONE] * 14 == [figure.contestant for figure in result.figures]
    assert {"jobs/s", "$", "s"} == {figure.unit for figure in result.figures}
    assert all(figure.value.median > 0 for figure in result.figures)


def test_servers() -> None:
    """Servers that need no environment of their own answer alike, and one that cannot start is named."""
    own = [peer for peer in PEERS if peer.folder in {"triptych", "fastapi"}]
    result = servers(SMOKE, [*own, Peer("nobody", "nobody")])
    assert [peer.name for peer in own] * 2 == [figure.contestant for figure in result.figures]
    assert ["nobody"] == [missing.contestant for missing in result.missing]
    assert "does not answer" in result.missing[0].reason


def test_batches() -> None:
    """Engine and floor write the same predictions in each format, and have a rate and a peak of memory."""
    result = batch(SMOKE, [])
    assert [ENGINE, ARRO3] * 6 == [figure.contestant for figure in result.figures]
    assert (["rows/s"] * 2 + ["bytes"] * 2) * 3 == [figure.unit for figure in result.figures]
    assert all(figure.value.median > 0 for figure in result.figures)


def test_workflow() -> None:
    """The deployed application transforms a file as the floor does, by one function and by many."""
    result = workflow(SMOKE)
    assert in_summary(result)
    assert [ARRO3, DIRECT, "triptych, 1 at once"] == [figure.contestant for figure in result.figures]
    assert all(figure.value.median > 0 for figure in result.figures)


def test_texts() -> None:
    """All modes and loops answer alike, and texts sorted by length need the least padding."""
    result = texts(SMOKE)
    assert in_summary(result)
    modes = [REAL_TIME, JOBS, FILES]
    ours, *loops = (result.figure(PADDING, "tokens", name) for name in ("triptych", LOOP, SORTED))
    assert [*modes, LOOP, SORTED] * 2 + [*modes, LOOP] == [f.contestant for f in result.figures[:-3]]
    assert all(figure.value.median > 0 for figure in result.figures)
    assert ours
    assert all(loop and 100 <= ours.median < loop.median for loop in loops)


def test_profiles() -> None:
    """Of each mode something is told, and no more than all of the time."""
    result = profiles(SMOKE)
    shares: dict[str, float] = {}
    for figure in result.figures:
        shares[figure.case] = shares.get(figure.case, 0) + figure.value.median
    assert ["batch", "jobs", "real time"] == sorted(case.partition(":")[0] for case in shares)
    assert all(50 < share <= 100.1 for share in shares.values())


def test_serving() -> None:
    """Both forms answer alike, and each has times, memory and prices."""
    result = serving(SMOKE)
    assert {"s", "bytes", "$"} == {figure.unit for figure in result.figures}
    assert {ONE, TWO} <= {figure.contestant for figure in result.figures}
    assert all(figure.value.median > 0 for figure in result.figures)


def test_price_of_a_hop() -> None:
    """Two functions cost more for small models, and less where own work would be done in a large function."""
    assert two_functions(0.001, 0.1) > one_function(0.101)
    assert two_functions(0.3, 0.1, 8192, 1769) < one_function(0.4, 8192)
