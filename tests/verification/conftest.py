"""A test here that asks for the `daemon` runs on SQLite and on PostgreSQL."""

from support.stores import migrated, server, url

__all__ = ["migrated", "server", "url"]
