"""One lab and one daemon for all tests of the command line."""

from support.ways import lab, running

__all__ = ["lab", "running"]
