"""The HTTP face: REST, /manage, health and metrics."""
