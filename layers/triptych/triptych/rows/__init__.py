"""Rows: CSV, JSON Lines, JSON and Parquet, and what lies between them and tensors."""
