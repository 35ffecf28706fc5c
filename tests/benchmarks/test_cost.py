"""What a million predictions cost."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.cost import LEVELS, cost, crossing
from benchmarks.cost_page import PAGE, glance, page
from benchmarks.harness.measuring import SMOKE
from benchmarks.harness.plots import plot
from benchmarks.harness.result import RESULTS, load
from benchmarks.harness.tables import tables
from benchmarks.models import ROOT
from costs import prices
from costs.ways import (
    CHUNK_TRANSITIONS,
    NIGHT_TRANSITIONS,
    Way,
    batch,
    batch_transform,
    endpoint,
    jobs,
    real_time,
    serverless,
    traced,
)

WAYS = [
    real_time(0.0005, 0.4),
    jobs(0.03),
    batch(4e5),
    endpoint(900),
    serverless(0.001, 0.4),
    batch_transform(2e5),
]


def test_prices_have_sources() -> None:
    """Every price is a number of dollars that a page of AWS tells."""
    found = [value for value in vars(prices).values() if isinstance(value, prices.Price)]
    assert len(found) > 5
    assert all(price.dollars > 0 and price.source.startswith("https://aws.amazon.com/") for price in found)


def test_real_time() -> None:
    """API Gateway, Lambda, a millisecond and the share of cold starts, log, traces, metrics: as by hand."""
    by_hand = 3.5 + 0.2 + 5000 * 1769 / 1024 * 0.0000166667 + 10**6 * 1536 / 2**30 * 0.5 + 5 + 5 * 0.3
    assert pytest.approx(by_hand) == WAYS[0].dollars(10**6)


def test_jobs() -> None:
    """As by hand: entrance, submitting, worker, queue, record, notification, logs."""
    logs = 10**6 * (1536 + 440 + 690) / 2**30 * 0.5
    by_hand = 3.7 + 10_000 * 0.0000166667 + 0.03 + 0.02 + 1.3 * 0.4 + 6 * 0.625 + 2 * 0.125 + 1.05 + logs
    by_hand += 1.1 * 5 + 11 * 0.3  # traces, also of a tenth in the worker, and metrics
    assert pytest.approx(by_hand) == WAYS[1].dollars(10**6)


def test_page() -> None:
    """docs/cost.md, README and docs/benchmarks.md say what the last result says."""
    result = load(RESULTS / "cost.json")
    assert PAGE.read_text() == page(result)
    assert glance(result) in (ROOT / "README.md").read_text()
    assert tables(result) in (ROOT / "docs/benchmarks.md").read_text()


def test_transitions() -> None:
    """As the state machine has them: its start, and each state on the way; so for each child."""
    definition = re.sub(r"\$\{\w+\}", "1", (ROOT / "functions/batch/transform.asl.json").read_text())
    states = json.loads(definition)["States"]
    assert states["Chunks"]["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] == "STANDARD"
    whole = ["Plan", "AnyChunks", "Chunks", "AnyJoins", "Joins", "Finish"]
    chunk, join = (states[name]["ItemProcessor"]["States"] for name in ("Chunks", "Joins"))
    assert {*whole, "GiveUp", "Failed"} == states.keys()
    assert 1 + len([name for name in chunk if name != "ChunkLost"]) == CHUNK_TRANSITIONS
    assert 1 + len(whole) + 1 + len([name for name in join if name != "JoinLost"]) == NIGHT_TRANSITIONS


def test_traces() -> None:
    """X-Ray records the first request of each second, and a twentieth of the others."""
    second = 730 * 3600
    assert (1000, second, second * 1.05) == (traced(1000), traced(second), traced(2 * second))


def test_endpoint() -> None:
    """One instance is up all month, whatever the traffic; above its rate there are more."""
    data = 10**6 * 2048 / 2**30 * 0.016
    assert pytest.approx(730 * 0.115 + data) == WAYS[3].dollars(10**6)
    assert pytest.approx(2 * 730 * 0.115 / 1000 + data) == WAYS[3].dollars(10**9)


def test_batch() -> None:
    """A worker's time and its chunks grow with the rows, what a night needs does not."""
    per_night = 30 * (9 * 25e-6 + 2 * (4 * 5e-6 + 3 * 0.2e-6))
    few, many = WAYS[2].dollars(10**6), WAYS[2].dollars(10**9)
    assert pytest.approx(per_night * (1 - 1 / 1000)) == few - many
    assert many > 10**6 / 4e5 * 1769 / 1024 * 0.0000166667


@pytest.mark.parametrize("way", WAYS, ids=[way.name for way in WAYS])
def test_no_way_gets_dearer_with_traffic(way: Way) -> None:
    """A million costs no more among many than among few."""
    found = [way.dollars(traffic) for traffic in LEVELS]
    assert all(later <= earlier * 1.001 for earlier, later in pairwise(found))


def test_crossing() -> None:
    """An endpoint that is always up is worth it from some traffic on, which is told."""
    assert "cheaper than triptych, real time from about" in crossing(WAYS[3], WAYS[0])
    assert "never cheaper" in crossing(WAYS[0], WAYS[4])
    assert "at any traffic" in crossing(WAYS[4], WAYS[0])


def test_whole(tmp_path: Path) -> None:
    """Every way has a price at every level, items add up to it, and the plot names all."""
    result = cost(SMOKE)
    for way in WAYS:
        assert all(result.figure(f"{level:,} predictions a month", "$", way.name) for level in LEVELS)
        items = [f.value.median for f in result.figures if f.case == f"of it, {way.name}, a million a month"]
        whole = result.figure("1,000,000 predictions a month", "$", way.name)
        assert whole
        assert pytest.approx(whole.median) == sum(items)
    plot(result, tmp_path / "cost.svg")
    picture = (tmp_path / "cost.svg").read_text()
    assert all(way.name in picture for way in WAYS)
