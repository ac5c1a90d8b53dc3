"""Telemetry of the simulated cluster, as an OpenTelemetry collector writes it to Elasticsearch."""
