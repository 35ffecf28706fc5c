"""Leaves of botocore's data what functions load: services that are called, without documentation.

A client reads the endpoints of all services in all regions (1.2 MB of JSON), and the description of its own,
of which four fifths are documentation. What is left takes half the time.

Usage: slim_botocore.py DATA SERVICE...
"""

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any

ENDPOINTS = {"stepfunctions": "states"}
"""Services that have another name in the list of endpoints."""


def slim(data: Path, services: set[str]) -> None:
    """Rewrites botocore's data in place.

    Args:
        data: The directory `botocore/data`.
        services: Names of the services whose clients are made.
    """
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in services:
            shutil.rmtree(folder)
    for path in data.rglob("examples-1.json*"):
        path.unlink()
    for path in [*data.rglob("*.json"), *data.rglob("*.json.gz")]:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        path.unlink()
        document = _without_documentation(json.loads(content))
        if path.name == "endpoints.json":
            _keep_endpoints(document, {ENDPOINTS.get(service, service) for service in services})
        plain = path.with_name(path.name.removesuffix(".gz"))  # a layer is compressed as a whole
        plain.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")


def _without_documentation(node: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(node, list):
        return [_without_documentation(value) for value in node]
    if not isinstance(node, dict):
        return node
    return {
        # botocore reads the documentation of these when it resolves an endpoint
        name: value if name == "clientContextParams" else _without_documentation(value)
        for name, value in node.items()
        if not (name == "documentation" and isinstance(value, str))
    }


def _keep_endpoints(document: dict[str, Any], services: set[str]) -> None:
    for partition in document["partitions"]:
        partition["services"] = {
            name: value for name, value in partition["services"].items() if name in services
        }


if __name__ == "__main__":
    slim(Path(sys.argv[1]), set(sys.argv[2:]))
