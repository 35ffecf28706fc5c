"""What jobs and batches have in common: records that change by compare and swap, lists, waiting."""
