"""An Elasticsearch endpoint on loopback: real documents, real ES|QL, and the errors of both."""
