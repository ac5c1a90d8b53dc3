"""Audits: named ES|QL queries with a contract, and the runs that are held to it."""
