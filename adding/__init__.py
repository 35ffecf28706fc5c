"""`make inspect` and `make add`: whether a model would be served, what it costs, and how it gets there."""
