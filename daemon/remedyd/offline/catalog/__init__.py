"""What can be queried: streams, their mapped fields, and the names those answer to."""

from remedyd.offline.catalog.catalog import Catalog, Resolution
from remedyd.offline.catalog.mapping import read_mapping
from remedyd.offline.catalog.schema import Field, Leaf, Schema

__all__ = ["Catalog", "Field", "Leaf", "Resolution", "Schema", "read_mapping"]
