"""Inference on records of files of any size: bad records are set aside, memory does not grow."""
