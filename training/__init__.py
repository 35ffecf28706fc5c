"""Trains the sample models from data inside installable packages; `python -m training` runs it."""
