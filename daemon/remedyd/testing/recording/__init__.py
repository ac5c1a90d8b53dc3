"""Recordings of telemetry: exported from Elasticsearch, and made smaller and quicker to read."""
