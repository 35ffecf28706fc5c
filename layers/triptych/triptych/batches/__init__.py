"""What a batch is: files, options, states, and what is told about them. Knows neither AWS nor models."""
