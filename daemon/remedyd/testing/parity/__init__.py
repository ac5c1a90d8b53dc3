"""Parity: the same queries over the same documents, offline and on a real Elasticsearch."""
