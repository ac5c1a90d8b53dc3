"""Whether this daemon is the one that acts, where several share a store.

Without a Lease there is one daemon, and it acts. With one, an elector competes in a thread of its
own; the others answer, and take over when the leader is gone. Who finds that a newer version has
upgraded the store gives way: what the store means now, only that version knows.
"""

import os
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from uuid import uuid4

from remedyd.cluster.client import Cluster
from remedyd.cluster.elector import Elector, LeaseApi
from remedyd.errors import ConfigurationError, StoreError
from remedyd.model import Clock
from remedyd.observability import logs
from remedyd.settings import Settings

log = logs.get(__name__)


class Leading:
    """Says whether we act; `fence` raises Refused where we do not."""

    def __init__(
        self, elector: Elector | None = None, outdated: Callable[[], bool] = lambda: False
    ) -> None:
        """Take the elector (None: we always act), and what says that we are too old to act."""
        self._elector = elector
        self._outdated = outdated
        self._gained: Callable[[], object] = lambda: None

    def on_gain(self, then: Callable[[], object]) -> None:
        """Call `then` whenever we begin to act: what the last leader left waits already."""
        self._gained = then

    def look(self) -> None:
        """Give way for good if a newer version has upgraded the store; raises StoreError."""
        if self._elector is not None and self._outdated():
            self._elector.withdraw()
            log.warning("gives way: a newer version has upgraded the store, this one acts no more")

    def guarded(self, cluster: Cluster) -> Cluster:
        """Return the connection by which a leader writes: not a moment after its lease."""
        return cluster if self._elector is None else cluster.while_(self._elector.remaining)

    def __call__(self) -> bool:
        """Return whether we act now."""
        return self._elector is None or self._elector.leading

    def notices(self) -> list[str]:
        """Return why we cannot compete for the Lease, if so: it may be that nobody acts."""
        trouble = self._elector.trouble if self._elector is not None else ""
        return [f"lease: {trouble}"] if trouble else []

    def fence(self, check: Callable[[str], None], proposal: str) -> None:
        """Raise Refused unless we lead and `check` has no objection to writing."""
        check(proposal)
        if self._elector is not None:
            self._elector.fence()

    @classmethod
    def start(
        cls,
        settings: Settings,
        api: LeaseApi,
        clock: Clock,
        opened: ExitStack,
        outdated: Callable[[], bool] = lambda: False,
    ) -> "Leading":
        """Compete for the Lease that the settings name until `opened` is closed.

        `outdated` says whether a newer version has upgraded the store. Raises ConfigurationError
        when the namespace of the Lease is not known.
        """
        if not settings.lease:
            return cls()
        namespace = settings.own_namespace()
        if not namespace:
            raise ConfigurationError(
                f"the namespace of the Lease {settings.lease} is not known",
                hint="set REMEDYD_NAMESPACE, or run in a cluster",
            )
        identity = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        elector = Elector(api, clock, namespace, settings.lease, identity)
        stop, made = threading.Event(), cls(elector, outdated)
        thread = threading.Thread(
            target=elector.run, args=(stop, made._told, _troubled), name="elector", daemon=True
        )
        elector.step()
        thread.start()
        opened.callback(thread.join, 5.0)
        opened.callback(stop.set)
        return made

    def _told(self, leads: bool) -> None:
        log.info("leading: this daemon acts" if leads else "not leading: another daemon acts")
        if not leads:
            return
        try:
            self.look()
        except StoreError as error:  # looked at again soon; without the store nothing is done
            log.warning("the store's schema is not known", detail=error.message)
        self._gained()


def _troubled(why: str) -> None:
    log.warning(f"cannot compete for the Lease: {why}")
