"""Files that are dropped into the bucket of the application, whose roles are held to what they may do."""

import json
from pathlib import Path

from tests.support.dropped_files import DroppedFiles

PENGUINS = (Path(__file__).parents[2] / "examples" / "penguins.csv").read_bytes()


def test_predictions_of_a_file_are_those_of_requests(files: DroppedFiles) -> None:
    """A dropped file has the predictions that a request with its rows has."""
    manifest = files.transformed("penguins/same.csv", PENGUINS)
    assert ("succeeded", 11) == (manifest["status"], manifest["records"]["written"])
    assert files.predicted("penguins", PENGUINS) == files.output("penguins/same.csv")


def test_a_bad_record_is_set_apart(files: DroppedFiles) -> None:
    """A row that cannot be read is told with its number, and costs the others nothing."""
    manifest = files.transformed("penguins/bad.csv", PENGUINS + b"x,y\n")
    assert ("succeeded_with_errors", {"read": 12, "written": 11, "failed": 1}) == (
        manifest["status"],
        manifest["records"],
    )
    (failed,) = files.errors("penguins/bad.csv")
    assert (12, "x,y") == (failed["record"], failed["input"])


def test_a_file_for_no_model_fails_with_a_reason(files: DroppedFiles) -> None:
    """A file that nobody can transform ends as failed, and its manifest says why."""
    manifest = files.transformed("unheard-of/rows.csv", PENGUINS)
    assert "failed" == manifest["status"]
    assert "unheard-of" in json.dumps(manifest["error"])
