"""Tasks: text and images in front of models that take tokens and pixels."""
