"""Batches: files that are transformed with a model."""
