"""Policies: their schema, loader, conditions, and the pure decision about every row."""
