"""Elasticsearch: the one room that knows its client library."""
