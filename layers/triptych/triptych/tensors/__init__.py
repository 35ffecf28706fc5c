"""Arrays and how they travel: JSON values, raw bytes, model signatures, classification. No I/O."""
