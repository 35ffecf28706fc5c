"""The stations of the demo for batches: a file with a bad record, a large one, a nightly recommender."""

import json

import numpy as np
from rich.console import Console

from local.batches import Batches
from local.build import ROOT
from local.calls import timed
from local.failure import LocalFailure
from local.pictures import heading, table
from local.tour import BEST, VISITOR
from local.transform import watch

ROWS = 300_000
SHOWN = 3
MEGABYTE = 2**20


def one(console: Console, batches: Batches) -> None:
    """Drop a file of which one record is bad; see its predictions, and why the bad one has none."""
    key = "penguins/demo.csv"
    heading(console, "A file is dropped", f"aws s3 cp penguins.csv s3://inputs/{key} --metadata join=island")
    rows = (ROOT / "examples" / "penguins.csv").read_bytes()
    batch = batches.ended(batches.drop(key, rows + b"Dream,not a number\n", join="island", outputs="species"))
    records = batch["progress"]["records"]
    console.print(f"{batch['status']}: {records['written']} predictions, {records['failed']} failed record")
    console.print(f"{key}.out", style="cyan")
    for line in batches.made(f"{key}.out").decode().splitlines()[: SHOWN + 1]:
        console.print(f"  {line}", style="green", markup=False)
    console.print(f"{key}.errors.jsonl", style="cyan")
    console.print(f"  {batches.made(f'{key}.errors.jsonl').decode()}", style="red", markup=False)


def large(console: Console, batches: Batches) -> None:
    """Drop a file that two workers share, and watch it."""
    key = "penguins/large.csv"
    heading(console, f"A file of {ROWS:,} rows", f"aws s3 cp large.csv s3://inputs/{key}")
    batch = watch(console, batches, batches.drop(key, _penguins(ROWS)))
    if batch["status"] != "succeeded":
        raise LocalFailure(f"the batch is {batch['status']}: {json.dumps(batch)}")
    manifest = batches.manifest(key)
    timings, cost = manifest["timings"], manifest["cost_estimate"]
    shown = table("what the manifest says", "")
    shown.add_row("status", manifest["status"])
    shown.add_row("rows in = rows out + failed", " = ".join(_sums(manifest["records"])))
    shown.add_row("chunks", str(manifest["chunks"]))
    shown.add_row("rows per second", f"{manifest['throughput']['records_per_second']:,.0f}")
    shown.add_row(
        "of the workers' time in the model", f"{timings['run_seconds'] / timings['worker_seconds']:.0%}"
    )
    shown.add_row("memory of a worker, at most", f"{manifest['peak_memory_bytes'] / MEGABYTE:.0f} MB")
    shown.add_row("what AWS would charge, about", f"${cost['total_usd']:.4f}")
    console.print(shown)


def recommender(console: Console, batches: Batches) -> None:
    """Transform a list of users, and look one of them up as an application would."""
    key = "recommender/nightly.csv"
    heading(
        console,
        "Recommendations by night, looked up by day",
        f"GET /v2/models/recommender/predictions/{VISITOR}",
    )
    users = b"user_id\n" + b"".join(b"%d\n" % user for user in range(1, 611))
    batch = batches.ended(batches.drop(key, users, join="user_id", lookup="true"))
    console.print(f"{batch['status']}: {batch['progress']['records']['written']} users")
    found, timing = timed(lambda: batches.looked_up("recommender", str(VISITOR)))
    shown = table(f"for user {VISITOR}", "score")
    prediction = found["prediction"]
    for film, score in zip(prediction["items"][:BEST], prediction["scores"][:BEST], strict=True):
        shown.add_row(film, f"{score:.3f}")
    console.print(shown)
    console.print(f"{timing}; no model was run\n")


def _penguins(rows: int) -> bytes:
    """Makes rows that look like penguins."""
    chance = np.random.default_rng(0)
    columns = [
        chance.choice(["Biscoe", "Dream", "Torgersen"], rows),
        chance.normal(44, 5, rows).round(1),
        chance.normal(17, 2, rows).round(1),
        chance.normal(200, 14, rows).round(0),
        chance.normal(4200, 800, rows).round(0),
        chance.choice(["female", "male"], rows),
        chance.integers(2007, 2010, rows),
    ]
    head = "island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n"
    lines = zip(*(column.tolist() for column in columns), strict=True)
    return (head + "".join(f"{','.join(map(str, line))}\n" for line in lines)).encode()


def _sums(records: dict[str, int]) -> list[str]:
    return [f"{records['read']:,}", f"{records['written']:,} + {records['failed']:,}"]
