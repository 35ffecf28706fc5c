"""The Open Inference Protocol v2: names, datatypes, messages, tensors and their codecs, compression."""
