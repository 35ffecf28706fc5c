"""`make demo`: a tour of the API with real predictions."""

from rich.console import Console


def demo(console: Console) -> None:
    """Show."""
