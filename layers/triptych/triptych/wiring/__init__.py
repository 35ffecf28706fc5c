"""Puts the parts together, a module for each function that is deployed."""
