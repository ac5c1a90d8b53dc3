"""A lab for the tests that need a whole daemon."""

from support.ways import lab

__all__ = ["lab"]
