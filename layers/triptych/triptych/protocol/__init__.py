"""The Open Inference Protocol v2 as data: names, datatypes, messages, framing. No arrays, no I/O."""
