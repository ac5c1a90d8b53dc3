"""Policies and audits without a cluster: replay over recorded telemetry."""
