"""The world outside: S3, the file system, logs and metrics."""
