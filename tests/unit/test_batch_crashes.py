"""Whatever call a process ends at, a batch ends as if nothing had happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.crashes import Cloud, Fuse
from tests.unit.test_batch_uploads import BAD, HEAD, ROW

SMALL = ("penguins/a.csv", HEAD + 3 * ROW + BAD)
LARGE = ("penguins/a.csv", HEAD + 7 * ROW + BAD)
WRONG = ("penguins/a.csv", b"a,b\n1,2\n")


def seen(cloud: Cloud, batch: Any) -> dict[str, Any]:  # noqa: ANN401 - a batch
    """Everything that a user sees of a batch that has ended, without times."""
    outputs = {key: cloud.world.outputs.get(key) or b"" for key in cloud.world.outputs.keys}
    manifest = orjson.loads(outputs.pop("penguins/a.csv.manifest.json"))
    told = {(told.id, told.state) for told in cloud.world.told}
    return {
        "outputs": outputs,
        "records": manifest["records"],
        "manifest": manifest["state"],
        "batch": (batch.state, batch.counts, batch.files, batch.failed_files, batch.notified),
        "told": told,
    }


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("key", "body"), [SMALL, LARGE, WRONG], ids=["small", "large", "wrong"])
def test_crash_at_every_call(tmp_path: Path, key: str, body: bytes, after: bool) -> None:  # noqa: FBT001 - of the test
    """Each call to the outside once ends the process: nothing is lost, doubled or left open."""
    fuse = Fuse()
    cloud = Cloud(tmp_path / "whole", fuse)
    expected = seen(cloud, cloud.drop(key, body))
    assert 5 < len(fuse.calls)
    names = fuse.calls
    for at in range(len(names)):
        fuse = Fuse(at, after)
        cloud = Cloud(tmp_path / str(at), fuse)
        batch = cloud.drop(key, body)
        assert expected == seen(cloud, batch), f"ended at call {at}: {names[at]}"
