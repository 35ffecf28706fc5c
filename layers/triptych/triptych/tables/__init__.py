"""Rows: CSV, JSON Lines, JSON instances and Parquet to model inputs, and model outputs back."""
