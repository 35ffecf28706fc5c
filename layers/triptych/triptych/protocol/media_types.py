"""Media types of the protocol's messages."""

JSON = "application/json"
BINARY = "application/octet-stream"
"""A JSON header with raw tensors behind it."""
