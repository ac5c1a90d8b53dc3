"""Imports the daemon's libraries as if those that they merely could use were not there.

The Kubernetes client takes a validator of manifests where it finds one, and with it half a second;
the Elasticsearch client takes what can write arrays and whatever speaks HTTP otherwise; structlog
takes rich for tracebacks that we never print. Where such packages are installed for another reason
the daemon must not pay for them: 40 MB and a third of its start. They are hidden while it imports,
and there again afterwards.

Nor is there anything to collect while 1,400 modules are loaded: they stay as long as the process.
So the collector rests meanwhile, and leaves them alone for good afterwards: looking through them
again and again is a fifth of the start, and later stops every thread for a tenth of a second.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

UNNEEDED: Final = (
    "aiohttp",
    "chardet",
    "kubernetes_validate",
    "numpy",
    "orjson",
    "pandas",
    "pyarrow",
    "rich",
)
OLD: Final = ("pydantic.v1",)
"""What FastAPI asks for only to refuse it, with each model: hidden for as long as we run."""


@contextmanager
def imports() -> Iterator[None]:
    """Hide what is not needed, unless it has been imported already."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in UNNEEDED if name not in modules]
    modules.update(dict.fromkeys(hidden))
    for name in OLD:
        modules.setdefault(name, None)
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
        for name in hidden:
            del modules[name]
