"""`make add STACK=local`: an export becomes a version that answers, and the printed line can be copied."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adding.__main__ import main
from local.aws import environment
from local.build import ROOT
from local.stack import StackInfo
from tests.support import text_exports

BUCKET = "ModelBucket"


@pytest.fixture
def added(stack: StackInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StackInfo]:
    """The stack, which counts as that of `make up`; what is added to it goes afterwards."""
    stack.write(tmp_path / "stack.json")
    monkeypatch.setattr("local.find.STACK_FILE", tmp_path / "stack.json")
    yield stack
    s3, bucket = stack.aws().s3(), stack.outputs[BUCKET]
    for found in s3.list_objects_v2(Bucket=bucket, Prefix="models/added/").get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=found["Key"])


def test_a_model_is_added(
    added: StackInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is looked at, uploaded and asked; the line of curl that is printed answers as well."""
    config = {"architectures": ["XForSequenceClassification"], "id2label": {"0": "no", "1": "yes"}}
    export = text_exports.add_export(tmp_path, "export", text_exports.classifier(), config)
    given = ["adding", "add", "--model", "added", "--from", str(export), "--stack", "local", "--json"]
    monkeypatch.setattr("sys.argv", given)

    assert 0 == main()

    document = json.loads(capsys.readouterr().out)
    assert ("text-classification", 1) == (document["task"], document["version"])
    assert f"s3://{added.outputs[BUCKET]}/models/" == document["added_to"]
    answered = subprocess.run(  # noqa: S603 - the line that users copy
        ["bash", "-c", document["curl"].replace("curl ", "curl --fail ", 1)],  # noqa: S607 - the user's shell
        cwd=ROOT,
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(answered.stdout)["label"] in {"no", "yes"}
