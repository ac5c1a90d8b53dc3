"""Proof: did the change help, by the same audit that asked for it."""
