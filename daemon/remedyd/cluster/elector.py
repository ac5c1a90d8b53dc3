"""One leader among several daemons, by a Lease.

The official client has an elector too, but it dies silently when a connection is refused, trusts
the wall clock, and never gives its lease back. Here time is monotonic and local: another holder's
lease counts from when we saw it change, ours from before we asked to renew it. A leader that could
not renew stops being one before anybody else can become one; `fence` is asked before each write.

The times make one promise: from the end of a leader, however it ends, the next one leads within
15 seconds. A lease is seen at most one period late, and its end is awaited to the moment.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from remedyd.errors import ClusterError, ClusterRejected, NotFound, Refused
from remedyd.model.clock import Clock, monotonic
from remedyd.model.values import KubeObject

_KIND = "Lease"
_LATER = 0.05
"""Seconds by which the end of a lease is surely over."""
_LONGEST = 60.0
"""Seconds after which another's lease has ended, whatever somebody has written into it."""
_MOST = 2**31 - 1
"""The largest number that the API server takes for a count."""


class LeaseApi(Protocol):
    """What of a Cluster the elector uses."""

    def get(self, kind: str, namespace: str, name: str) -> KubeObject:
        """Return one object; raise NotFound."""
        ...

    def create(self, kind: str, namespace: str, body: KubeObject) -> KubeObject:
        """Create an object."""
        ...

    def replace(self, kind: str, namespace: str, name: str, body: KubeObject) -> KubeObject:
        """Replace an object under its resourceVersion."""
        ...


class Elector:
    """Competes for one Lease under an identity that no other process has.

    A lease is held for `duration` after its last renewal; the leader renews every `period` and
    gives up leading `margin` before the lease would end.
    """

    def __init__(
        self,
        api: LeaseApi,
        clock: Clock,
        namespace: str,
        name: str,
        identity: str,
        *,
        duration: timedelta = timedelta(seconds=10),
        period: timedelta = timedelta(seconds=2),
        margin: timedelta = timedelta(seconds=4),
        passing: Callable[[], float] = monotonic,
        jitter: Random | None = None,
    ) -> None:
        """Take where the Lease lives, who we are, and how time passes (seconds, never back)."""
        self._api = api
        self._clock = clock
        self._where = (namespace, name)
        self._identity = identity
        self._duration = duration.total_seconds()
        self._period = period.total_seconds()
        self._held_for = (duration - margin).total_seconds()
        self._passing = passing
        self._jitter = jitter or Random(identity)  # noqa: S311 - spreads retries, no secret
        self._renewed = float("-inf")
        self._seen: tuple[str, str] = ("", "")
        self._seen_at = float("-inf")
        self._ends_at = float("inf")
        self._withdrawn = False
        self._told: datetime | None = None
        self._trouble = self._refusal = ""

    @property
    def trouble(self) -> str:
        """Why the last step could not compete, "" when it could: won, lost or waited."""
        return self._trouble

    @property
    def leading(self) -> bool:
        """Whether we hold the lease, safely inside its time."""
        return not self._withdrawn and self._passing() < self._renewed + self._held_for

    def withdraw(self) -> None:
        """Lead no more, from this moment on, and give the lease back at the next step."""
        self._withdrawn = True

    def fence(self) -> None:
        """Raise Refused unless we lead at this very moment."""
        if not self.leading:
            raise Refused(
                "NotLeader",
                f"{self._identity} does not hold the lease {'/'.join(self._where)}",
                hint="the leader acts; this process waits for the lease",
            )

    def remaining(self) -> float:
        """Return for how many seconds nobody else can lead; raise Refused unless we do."""
        self.fence()
        return self._renewed + self._duration - self._passing()

    def pause(self) -> float:
        """Return how many seconds to wait before the next step.

        The end of another's lease is not slept through: whoever comes first takes over.
        """
        usual = self._period * self._jitter.uniform(0.8, 1.2)
        return min(usual, max(self._ends_at - self._passing(), 0.0) + _LATER)

    def step(self) -> bool:
        """Renew the lease, or take it when it is free; return whether we lead.

        No answer and a lost race are no errors: the lease simply is not renewed by them. `trouble`
        has what the API server said.
        """
        if self._withdrawn:
            self.release()
            return False
        asked = self._passing()
        self._refusal = ""
        try:
            won = self._compete()
        except (ClusterError, NotFound) as error:
            won, self._refusal = False, error.message
        self._trouble = self._refusal
        if won:
            self._renewed = asked
        return self.leading

    def run(
        self,
        stop: threading.Event,
        changed: Callable[[bool], None],
        troubled: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Compete until `stop` is set, then give the lease back.

        `changed` is told every time we begin or cease to lead, `troubled` each time we cannot
        compete.
        """
        led = False
        try:
            while not stop.is_set():
                leads = self.step()
                if leads != led:
                    led = leads
                    changed(led)
                if self._trouble:
                    troubled(self._trouble)
                stop.wait(self.pause())
        finally:
            self.release()
            if led:
                changed(False)

    def release(self) -> None:
        """Give the lease back, so that the next leader need not wait for its end."""
        if self._renewed == float("-inf"):
            return
        self._renewed = float("-inf")
        try:
            lease = self._api.get(_KIND, *self._where)
            if (lease.get("spec") or {}).get("holderIdentity") == self._identity:
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                self._api.replace(_KIND, *self._where, lease)
        except (ClusterError, NotFound):
            return  # it ends by itself

    def _compete(self) -> bool:
        try:
            lease = self._api.get(_KIND, *self._where)
        except NotFound:
            return self._create()
        spec = lease["spec"] = lease.get("spec") or {}
        holder = str(spec.get("holderIdentity") or "")
        self._observe(holder, str(spec.get("renewTime") or ""))
        self._ends_at = float("inf")
        if holder and holder != self._identity and not self._ended(spec):
            self._renewed = float("-inf")
            self._ends_at = self._end(spec)
            return False
        taken = holder != self._identity
        now = self._now()
        spec["holderIdentity"] = self._identity
        spec["leaseDurationSeconds"] = int(self._duration)
        spec["renewTime"] = now
        if taken:
            spec["acquireTime"] = now
            before = max(0, int(_number(spec.get("leaseTransitions"))))
            spec["leaseTransitions"] = min(before + 1, _MOST)
        return self._write(lambda: self._api.replace(_KIND, *self._where, lease))

    def _create(self) -> bool:
        now = self._now()
        namespace, name = self._where
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": _KIND,
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": int(self._duration),
                "acquireTime": now,
                "renewTime": now,
                "leaseTransitions": 0,
            },
        }
        return self._write(lambda: self._api.create(_KIND, namespace, body))

    def _write(self, send: Callable[[], KubeObject]) -> bool:
        try:
            send()
        except ClusterRejected as error:
            if error.status == 409:
                self._renewed = float("-inf")
            else:
                self._refusal = error.message
            return False
        return True

    def _observe(self, holder: str, renewed: str) -> None:
        """Remember, by our own time, when another's lease last changed."""
        if self._seen != (holder, renewed):
            self._seen = (holder, renewed)
            self._seen_at = self._passing()

    def _ended(self, spec: KubeObject) -> bool:
        return self._passing() > self._end(spec)

    def _end(self, spec: KubeObject) -> float:
        asked = _number(spec.get("leaseDurationSeconds"))
        return self._seen_at + min(asked if asked > 0 else self._duration, _LONGEST)

    def _now(self) -> str:
        """Return a time later than any before: a clock set back must not hide a renewal."""
        at = self._clock.now()
        if self._told is not None:
            at = max(at, self._told + timedelta(microseconds=1))
        self._told = at
        return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _number(value: object) -> float:
    """Return a number somebody wrote, 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return 0.0
    return float(value)
