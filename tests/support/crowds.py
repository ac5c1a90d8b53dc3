"""A daemon on a crowded cluster, small and large, and what it asked the API server for."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from remedyd.lab.apiserver.server import Logged
from remedyd.lab.crowd.shape import Crowd
from remedyd.lab.crowd.world import CrowdLab
from remedyd.lab.world import MANUAL_ORIGIN
from remedyd.model import ManualClock
from remedyd.paths import shipped
from support.byhand import ByHand

PATH = re.compile(
    r"/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/(?P<space>[^/]+))?/(?P<plural>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<part>[^/]+))?"
)
GROWING = frozenset(
    [
        *("pods", "nodes", "namespaces", "events", "leases", "configmaps", "endpointslices"),
        *("deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions"),
    ]
)
"""Collections that grow with the cluster."""


def lists(requests: Iterable[Logged]) -> Iterator[tuple[str, Logged]]:
    """Yield the reads of collections that grow with the cluster, with the collection's name."""
    for one in requests:
        found = PATH.fullmatch(one.path)
        if one.method == "GET" and found and not found["name"] and found["plural"] in GROWING:
            yield found["plural"], one


def sorts(requests: Iterable[Logged]) -> Counter[str]:
    """Count requests by method and kind, whatever they are about."""
    found: Counter[str] = Counter()
    for one in requests:
        match = PATH.fullmatch(one.path)
        what = "/".join(filter(None, (match["plural"], match["part"]))) if match else one.path
        found[f"{one.method} {what} {'one' if match and match['name'] else 'many'}"] += 1
    return found


def audits(home: Path, limit: int) -> Path:
    """Copy the shipped audits, with so small a LIMIT that little telemetry is too much."""
    made = home / "audits"
    made.mkdir()
    for path in shipped("esql").iterdir():
        if path.suffix in (".esql", ".yaml"):
            text = path.read_text(encoding="utf-8")
            (made / path.name).write_text(text.replace("| LIMIT 10000", f"| LIMIT {limit}"))
    return made


@contextmanager
def crowded(home: Path, *crowds: Crowd, limit: int = 0, **settings: Any) -> Iterator[ByHand]:
    """A daemon by hand on crowds that share one Elasticsearch; its cluster is the first of them.

    `limit` takes the place of the 10,000 rows that the shipped audits may give.
    """
    settings |= {"audits": [audits(home, limit)]} if limit else {}
    clock = ManualClock(MANUAL_ORIGIN)
    lab = CrowdLab(crowds, history=timedelta(minutes=12), clock=clock)
    with lab, ByHand(lab, home, **settings) as daemon:
        yield daemon
