"""Kubernetes Events on the workloads that proposals are about.

Apart from the door: an Event changes nothing of the user's, and what cannot be told must never
keep a change from being made or undone. Its name is made of what it tells, so that the API
server refuses it a second time. Events live an hour in the cluster; what could not be told by
then is no news any more.
"""

import hashlib
import socket
from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final

from remedyd.cluster.kinds import kind_of
from remedyd.cluster.ports import FIELD_MANAGER, Api
from remedyd.errors import ClusterError, ClusterRejected, InvalidInput, NotFound
from remedyd.model.values import KubeObject

_LONGEST_NAME: Final = 200


class Told(Enum):
    """What became of a note."""

    CREATED = auto()
    KNOWN = auto()
    """It was told before."""
    REFUSED = auto()
    """The API server does not take it: the namespace is gone, or we lack the right."""
    LATER = auto()
    """The API server did not answer: try again."""


class Teller:
    """Creates Events; with `dry_run` the API server checks and stores none."""

    def __init__(self, cluster: Api, *, dry_run: bool = False, instance: str = "") -> None:
        """Take the cluster; `instance` names this daemon, by default its host."""
        self._cluster = cluster
        self._dry_run = dry_run
        self._instance = (instance or socket.gethostname())[:128]

    def tell(self, key: str, note: Mapping[str, Any], at: datetime) -> tuple[Told, str]:
        """Create the Event for a note, once for each `key`; return what became of it, and why."""
        try:
            body = self._event(key, note, at)
            namespace = str(note["namespace"])
            self._cluster.create("Event", namespace, body, dry_run=self._dry_run)
        except ClusterRejected as error:
            if error.reason == "AlreadyExists":
                return Told.KNOWN, ""
            return Told.REFUSED, error.message
        except (NotFound, InvalidInput) as error:
            return Told.REFUSED, error.message
        except ClusterError as error:
            return Told.LATER, error.message
        return Told.CREATED, ""

    def _event(self, key: str, note: Mapping[str, Any], at: datetime) -> KubeObject:
        stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        name = str(note["name"])[:_LONGEST_NAME].rstrip("-.")
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{name}.{hashlib.sha256(key.encode()).hexdigest()[:16]}",
                "namespace": note["namespace"],
            },
            "involvedObject": {
                "apiVersion": kind_of(str(note["kind"])).api_version,
                "kind": note["kind"],
                "namespace": note["namespace"],
                "name": note["name"],
                "uid": note["uid"],
            },
            "reason": note["reason"],
            "message": note["message"],
            "type": note["type"],
            "source": {"component": FIELD_MANAGER},
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
            "reportingComponent": FIELD_MANAGER,
            "reportingInstance": self._instance,
        }
