"""Measuring, and telling what was measured."""
