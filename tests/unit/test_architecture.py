"""docs/architecture.md shows the package as it is."""

import tomllib
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import triptych

ROOT = Path(__file__).parents[2]
PACKAGE = Path(triptych.__file__).parent
PICTURE = ROOT / "docs/architecture.svg"
GOING = {"spooled"}
"""Folders that are about to be removed."""


def layers() -> list[list[str]]:
    """Reads the layers of the import contract, highest first; a row has independent ones."""
    (contract,) = (
        contract
        for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
            "contracts"
        ]
        if contract["type"] == "layers"
    )
    rows = [row.split(" | ") for row in contract["layers"]]
    return [row for row in rows if not GOING.issuperset(row)]


def drawn(kind: str) -> set[str]:
    """Returns the ids of the boxes or arrows of the picture."""
    shapes = ET.parse(PICTURE).iter()  # noqa: S314 - our own picture
    return {shape.attrib["id"] for shape in shapes if shape.get("class") == kind and "id" in shape.attrib}


def test_boxes_are_the_layers() -> None:
    """The picture has a box for each folder and module of the contract."""
    assert {name for row in layers() for name in row} == drawn("box")


def test_boxes_are_the_package() -> None:
    """The picture has a box for each folder and module of the package."""
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "version"}
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - GOING
    assert modules | folders == drawn("box")


def test_arrows_are_the_contract() -> None:
    """An arrow leads from each layer to the next lower one, and there are no others."""
    expected = {f"{high}-{low}" for upper, lower in pairwise(layers()) for high in upper for low in lower}
    assert expected == drawn("arrow")
