"""What stands in front of a model: tasks on text and images, and code of its own."""
