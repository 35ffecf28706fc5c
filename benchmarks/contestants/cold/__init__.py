"""Programs that start, answer one event and exit; arguments are the files of the event and the model."""
