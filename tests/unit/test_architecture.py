"""docs/architecture.md shows the package as it is."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import triptych

ROOT = Path(__file__).parents[2]
PACKAGE = Path(triptych.__file__).parent
PAGE = ROOT / "docs/architecture.md"
PICTURE = ROOT / "docs/architecture.svg"


def layers() -> list[list[str]]:
    """Reads the layers of the import contract, highest first; a row has independent ones."""
    (contract,) = (
        contract
        for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
            "contracts"
        ]
        if contract["type"] == "layers"
    )
    return [row.split(" | ") for row in contract["layers"]]


def drawn(kind: str) -> set[str]:
    """Returns the ids of the boxes or arrows of the picture."""
    shapes = ET.parse(PICTURE).iter()  # noqa: S314 - our own picture
    return {shape.attrib["id"] for shape in shapes if shape.get("class") == kind and "id" in shape.attrib}


def files_named(text: str) -> list[str]:
    """Returns the files that stand in backquotes."""
    return re.findall(r"`([\w./-]+\.(?:py|yaml))`", text)


def test_boxes_are_the_layers() -> None:
    """The picture has a box for each folder and module of the contract."""
    assert {name for row in layers() for name in row} == drawn("box")


def test_boxes_are_the_package() -> None:
    """The picture has a box for each folder and module of the package."""
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "version"}
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert modules | folders == drawn("box")


def test_arrows_are_the_contract() -> None:
    """An arrow leads from each layer to the next lower one, and there are no others."""
    expected = {f"{high}-{low}" for upper, lower in pairwise(layers()) for high in upper for low in lower}
    assert expected == drawn("arrow")


def test_twenty_questions() -> None:
    """The page answers twenty questions or more, each with a file, and names every folder of the package."""
    rows = re.findall(r"^\| .+ \| `([\w./-]+)` \|$", PAGE.read_text(), re.MULTILINE)
    assert len(rows) >= 20
    assert len(rows) == len(set(rows))
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders <= {named.split("/")[0] for named in files_named(PAGE.read_text())}


@pytest.mark.parametrize("page", [PAGE, ROOT / "CONTRIBUTING.md", ROOT / "docs/decisions.md"])
def test_named_files_exist(page: Path) -> None:
    """Files that a page names are below the root, or below the package."""
    text = page.read_text().split("## Mutation tests")[
        0
    ]  # where survivors are of the code as it was measured
    named = files_named(text)
    assert named
    assert [] == [name for name in named if not ((ROOT / name).exists() or (PACKAGE / name).exists())]
