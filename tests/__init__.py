"""Triptych's tests: a package, or a library that installs its own `tests` would take the name."""
