"""Whatever call a process ends at, a batch ends as if nothing had happened."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.crashes import Cloud, Fuse
from tests.unit.test_batch_uploads import BAD, HEAD, ROW

GAP = b"Biscoe,46.1,13.2,,4500,,2008\n"  # two cells are filled in
SMALL = ("penguins/a.csv", HEAD + 2 * ROW + GAP + BAD)
LARGE = ("penguins/a.csv", HEAD + 6 * ROW + GAP + BAD)
WRONG = ("penguins/a.csv", b"a,b\n1,2\n")


def seen(cloud: Cloud, batch: Any) -> dict[str, Any]:  # noqa: ANN401 - a batch
    """Everything that a user sees of a batch that has ended, without times."""
    outputs = {key: cloud.world.outputs.get(key) or b"" for key in cloud.world.outputs.keys}
    manifest = orjson.loads(outputs.pop("penguins/a.csv.manifest.json"))
    told = {(told.id, told.status) for told in cloud.world.told}
    return {
        "outputs": outputs,
        "records": manifest["records"],
        "filled": manifest.get("filled_cells"),
        "manifest": manifest["status"],
        "batch": (batch.status, batch.counts, batch.files, batch.failed_files, batch.notified),
        "told": told,
    }


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("key", "body"), [SMALL, LARGE, WRONG], ids=["small", "large", "wrong"])
def test_crash_at_every_call(tmp_path: Path, key: str, body: bytes, after: bool) -> None:  # noqa: FBT001 - of the test
    """Each call to the outside once ends the process: nothing is lost, doubled or left open."""
    fuse = Fuse()
    cloud = Cloud(tmp_path / "whole", fuse)
    expected = seen(cloud, cloud.drop(key, body))
    assert (2 if GAP in body else None) == expected["filled"]
    assert 5 < len(fuse.calls)
    names = fuse.calls
    for at in range(len(names)):
        fuse = Fuse(at, after)
        cloud = Cloud(tmp_path / str(at), fuse)
        batch = cloud.drop(key, body)
        assert expected == seen(cloud, batch), f"ended at call {at}: {names[at]}"


def is_told_truly(cloud: Cloud) -> None:
    """Checks that a manifest, if there is one, lists what is there, and that nobody works beside it."""
    outputs = cloud.world.outputs
    body = outputs.get("penguins/a.csv.manifest.json")
    if body is None:
        return
    manifest = orjson.loads(body)
    for name, ending in (("output", "out"), ("errors", "errors.jsonl")):
        found = outputs.find(f"penguins/a.csv.{ending}")
        assert (found and found.etag) == manifest.get(name, {}).get("etag"), (
            f"{name} is not that of the manifest"
        )
    (newest,) = cloud.world.inputs.list("penguins/a.csv")
    if manifest["input"]["version"] != newest.version:
        begun = {batch for batch, *_ in cloud.world.store.attempts}
        assert begun <= {manifest["batch"]}, (
            "the manifest of an earlier upload stands beside work on a later one"
        )


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "second",
    [
        pytest.param(SMALL[1], id="small"),
        pytest.param(LARGE[1], id="large", marks=pytest.mark.slow),
        pytest.param(WRONG[1], id="wrong"),
        pytest.param(HEAD + BAD, id="no good record"),
        pytest.param(LARGE[1] + 8 * BAD, id="too large and bad", marks=pytest.mark.slow),
    ],
)
def test_second_upload(tmp_path: Path, second: bytes, after: bool) -> None:  # noqa: FBT001 - of the test
    """A file over another one: a manifest says at each moment what is there, in the end of the new file."""
    wishes = {"tolerance": "0.5"}
    fuse = Fuse()
    cloud = Cloud(tmp_path / "whole", fuse)
    first = cloud.drop(*SMALL)
    assert ["errors.jsonl", "manifest.json", "out"] == [
        key.removeprefix("penguins/a.csv.") for key in cloud.world.outputs.keys
    ]
    done = len(fuse.calls)
    expected = seen(cloud, cloud.drop(SMALL[0], second, wishes))
    names = fuse.calls[done:]
    assert first.status != expected["batch"][0] or second in {SMALL[1], LARGE[1]}
    for at in range(len(names)):
        fuse = Fuse()
        cloud = Cloud(tmp_path / str(at), fuse)
        cloud.drop(*SMALL)
        fuse.at, fuse.after, cloud.look = done + at, after, partial(is_told_truly, cloud)
        batch = cloud.drop(SMALL[0], second, wishes)
        assert len(fuse.calls) > done + at
        is_told_truly(cloud)
        assert expected == seen(cloud, batch), f"ended at call {at}: {names[at]}"
