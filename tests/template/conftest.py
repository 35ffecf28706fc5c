"""What template tests share: the template, written and translated."""

from typing import Any

import pytest

from tests.template.translated import source, translate


@pytest.fixture(scope="session")
def written() -> dict[str, Any]:
    """The template as it was written."""
    return source()


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The template after SAM's transform, with the defaults of its parameters."""
    return translate()
