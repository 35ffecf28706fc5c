"""Inference: one request, many requests as one run, one file to another."""
