"""One lab and one daemon for all tests of who may do what."""

from support.ways import lab, running

__all__ = ["lab", "running"]
