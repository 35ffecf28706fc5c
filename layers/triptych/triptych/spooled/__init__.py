"""Inference from a file to a file: memory does not grow with them."""
