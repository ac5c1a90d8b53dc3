"""A simulated Kubernetes API server: one process, on loopback, stateful, answering like 1.36."""
