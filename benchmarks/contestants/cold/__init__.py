"""Programs that start, answer one event and end; they take a file of the event, and the model's."""
