"""Jobs: what they are and how they move from state to state. Knows neither AWS nor ONNX Runtime."""
