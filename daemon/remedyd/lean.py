"""Imports the daemon's libraries as if those that they merely could use were not there.

The Kubernetes client takes a validator of manifests where it finds one, and with it half a second;
the Elasticsearch client takes what can write arrays and whatever speaks HTTP otherwise. Where
such packages are installed for another reason the daemon must not pay for them: 30 MB and a third
of its start. They are hidden while it imports, and there again afterwards.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

UNNEEDED: Final = ("aiohttp", "kubernetes_validate", "numpy", "orjson", "pandas", "pyarrow")


@contextmanager
def imports() -> Iterator[None]:
    """Hide what is not needed, unless it has been imported already."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in UNNEEDED if name not in modules]
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]
