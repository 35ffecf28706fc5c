"""Ways to transform a file, each a program of its own."""
