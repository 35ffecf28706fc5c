"""Taking, planning, transforming and finishing batches."""
