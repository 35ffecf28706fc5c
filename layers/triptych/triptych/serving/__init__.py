"""Service logic: the model repository, loaded models, inference on tensors and on rows, statistics."""
