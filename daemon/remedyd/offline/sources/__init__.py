"""Where documents come from: memory, NDJSON files."""
