"""Clients of AWS: tables, buckets, queues, workflows, topics and telemetry. It knows no job and no batch."""
