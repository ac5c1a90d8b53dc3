"""One lab and one daemon for all tests of the REST API."""

from support.ways import lab, running

__all__ = ["lab", "running"]
