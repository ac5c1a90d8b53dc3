"""Two replicas on one PostgreSQL and one cluster, of which the first dies or freezes midway.

Everything but the cluster is real: store, gate, guard, door, loop, elector. Time is a number.
Freezing is a nested call: at the fated moment, deep inside what the first replica does, time goes
on for the second one alone; then the call returns and the first goes on as if nothing had been.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from remedyd.cluster.elector import Elector
from remedyd.errors import ClusterRejected, OutcomeUnknown
from remedyd.leading import Leading
from remedyd.model import KubeObject, Principal, Proposal, ProposalId, Scope, Severity
from remedyd.proposals.store import ProposalFilter, Store
from remedyd.proposals.tables import metadata
from support.daemons import Daemon, Telemetry
from support.fakecluster import FakeCluster, Landed, cluster
from support.guardrails import guardrails
from support.proposals import a_clock

NAMES = ("cart",)
MOMENTS = ("lease", "read", "send", "half", "landed", "begin", "commit", "committed")
"""Before a request about the Lease; before a read; after the fence, before the write begins; with
the write half sent; when it has landed, before the answer; around a transaction's begin and end."""
STEP = 0.25
TICK = 5.0
IDLE = 10.0
ANN = Principal("ann", frozenset({Scope.APPROVER}))
LIMITS = guardrails(
    "{concurrency: 100, workloadsPercent: 100, rate: {perHour: 1000, perNamespace: 1000}, "
    "cooldown: {initial: 1s, longest: 1s}, quarantineAfter: 100, repeat: 1s}"
)


class Killed(BaseException):
    """The process is gone: nothing in the daemon may catch this."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of the first replica, and at which moment."""

    moment: str = ""
    number: int = 0
    asleep: float | None = None
    """Seconds; None: it dies."""


class Leased(FakeCluster):
    """A cluster that has Leases, too."""

    def create(self, kind: str, namespace: str, body: KubeObject, **_: Any) -> KubeObject:
        """Create the Lease, once."""
        if (kind, namespace, body["metadata"]["name"]) in self.objects:
            raise ClusterRejected("it exists", status=409, reason="AlreadyExists")
        self.add({**body, "kind": kind})
        return body

    def replace(self, kind: str, namespace: str, name: str, body: KubeObject) -> KubeObject:
        """Replace the Lease under its resourceVersion."""
        self._check((kind, namespace, name), {"metadata": body["metadata"]})
        self.add({**body, "kind": kind, "metadata": dict(body["metadata"])})
        return body


@dataclass
class Wire:
    """What one replica has of the cluster; `moment` is told before and after each request."""

    cluster: Leased
    moment: Callable[[str], None]
    seconds: Callable[[], float]
    remaining: Callable[[], float] | None = None
    arrived: Callable[[], None] = lambda: None

    @property
    def objects(self) -> dict[tuple[str, str, str], KubeObject]:
        """What there is, looked at from outside."""
        return self.cluster.objects

    def get(self, kind: str, namespace: str, name: str) -> KubeObject:
        """Read."""
        self.moment("lease" if kind == "Lease" else "read")
        return self.cluster.get(kind, namespace, name)

    def list(self, kind: str, namespace: str = "", **selectors: str) -> list[KubeObject]:
        """Read."""
        self.moment("read")
        return self.cluster.list(kind, namespace, **selectors)

    def create(self, kind: str, namespace: str, body: KubeObject, **_: Any) -> KubeObject:
        """Create the Lease."""
        self.moment("lease")
        return self.cluster.create(kind, namespace, body)

    def replace(self, kind: str, namespace: str, name: str, body: KubeObject) -> KubeObject:
        """Replace the Lease."""
        self.moment("lease")
        return self.cluster.replace(kind, namespace, name, body)

    def patch(self, *where: Any, dry_run: bool = False, **options: Any) -> KubeObject:
        """Write as the client does for a leader: in two parts, within the time that is left."""
        if dry_run:
            return self.cluster.patch(*where, dry_run=True, **options)
        assert self.remaining is not None
        self.moment("send")
        gives_up = self.remaining() + self.seconds()
        self.remaining()
        self.moment("half")
        if self.seconds() > gives_up:
            raise OutcomeUnknown("the API server gave the request up")
        self.arrived()
        answer = self.cluster.patch(*where, **options)
        self.moment("landed")
        return answer


class Replica(Daemon):
    """A daemon that competes for the Lease."""

    def __init__(self, name: str, world: "World", store: Store, seed: int) -> None:
        """Take its place in the world; `seed` spreads its steps."""
        self.name = name
        self.world = world
        self.wire = Wire(world.cluster, self._moment, lambda: world.seconds)
        self.elector = Elector(
            self.wire, world.clock, "ops", "remedyd", name,
            passing=lambda: world.seconds, jitter=Random(seed),
        )  # fmt: skip
        self.wire.remaining = self.elector.remaining
        self.wire.arrived = self._arrived
        super().__init__(
            Path(), cast("FakeCluster", self.wire), world.clock,
            ids=world.ids, telemetry=world.telemetry, guardrails=LIMITS,
            store=store, leading=Leading(self.elector), writing=self.wire,
        )  # fmt: skip
        self.loop._chores = ()  # counting failures costs more than all the rest
        self.elects_at = self.ticks_at = 0.0
        self.led = False

    def _moment(self, kind: str) -> None:
        self.world.moment(self, kind)

    def _arrived(self) -> None:
        """Note a write that the API server takes; nobody else may lead meanwhile."""
        self.world.wrote.append((self.name, self.world.seconds))
        if any(one.elector.leading for one in self.world.replicas if one is not self):
            self.world.wrong.append(f"{self.name} wrote while another leads")

    def turn(self) -> None:
        """Do what is due: compete, begin at once after winning, and every few seconds work."""
        now = self.world.seconds
        if now >= self.elects_at:
            leads = self.elector.step()
            self.elects_at = now + self.elector.pause()
            if leads and not self.led:
                self.ticks_at = now
            self.led = leads
        if now >= self.ticks_at:
            self.ticks_at = now + TICK
            self.loop.tick()


@dataclass
class World:
    """One run; `stores` are used again and again, and emptied at the start."""

    stores: tuple[Store, Store]
    seed: int = 0
    fate: Fate = field(default_factory=Fate)
    cut_off: Callable[[], object] = lambda: None
    """Ends sessions that idle in a transaction, as PostgreSQL does by itself after `IDLE`."""

    def __post_init__(self) -> None:
        """Set the stage."""
        self.clock = a_clock()
        for store in self.stores:
            store._clock = self.clock  # a store outlives many runs
        self.random = Random(self.seed)
        self.seconds = 0.0
        self.fails = bool(self.seed % 2)
        self.cluster = Leased(objects=cluster(*NAMES).objects)
        self.cluster.on_landing = self._landed
        self.telemetry = Telemetry(self.cluster)
        numbers = count(1)
        self.ids = lambda: ProposalId(f"p{next(numbers)}")
        self.landed: Counter[tuple[str, bool]] = Counter()
        self.wrote: list[tuple[str, float]] = []
        self.wrong: list[str] = []
        self.seen: Counter[str] = Counter()
        self.acting: Replica | None = None
        self.armed = False
        self.struck_at: float | None = None
        self.took_over: float | None = None
        self.woke: float | None = None
        self.replicas: list[Replica] = []
        self.replicas = [
            Replica(name, self, store, self.seed * 2 + place)
            for place, (name, store) in enumerate(zip("ab", self.stores, strict=True))
        ]
        self.first, self.second = self.replicas

    def _landed(self, made: Landed) -> None:
        self.landed[(made.proposal, made.undo)] += 1

    def moment(self, who: Replica, kind: str) -> None:
        """Count the moments of the first replica; at the fated one, it dies or freezes."""
        if not self.armed or who is not self.first or self.acting is not self.first:
            return
        self.seen[kind] += 1
        due = (kind, self.seen[kind]) == (self.fate.moment, self.fate.number)
        if due and self.struck_at is None:
            self._strike()

    def _strike(self) -> None:
        self.struck_at = self.seconds
        if self.fate.asleep is None:
            raise Killed
        if self.fate.asleep >= IDLE:
            self.cut_off()
        self.live(self.fate.asleep, [self.second])
        self.woke = self.seconds
        self.acting = self.first

    def live(self, seconds: float, awake: list[Replica]) -> None:
        """Let time pass for those who are awake."""
        end = self.seconds + seconds
        while self.seconds < end:
            self.seconds += STEP
            self.clock.advance(timedelta(seconds=STEP))
            for one in awake:
                if not self._turn(one):
                    awake = [other for other in awake if other is not one]
            struck = self.struck_at is not None and self.took_over is None
            if struck and self.second.elector.leading:
                self.took_over = self.seconds - (self.struck_at or 0.0)

    def _turn(self, who: Replica) -> bool:
        """Let one do its turn; return whether it still lives."""
        self.acting = who
        try:
            who.turn()
        except Killed:
            return False
        finally:
            self.acting = None
        return True

    def ends(self) -> tuple[Proposal, ...]:
        """Return what the store says in the end."""
        return self.second.store.list(ProposalFilter(limit=10)).items

    def run(self) -> None:
        """Elect, propose, approve, and live on until everything has come to its end."""
        self.live(1.0, [self.first])
        self.live(self.random.uniform(1, 5), self.replicas)
        made = [self.first.propose(name) for name in NAMES]
        if self.fails:
            self.telemetry.grades["cart"] = Severity.CRITICAL
        for proposal in made:
            assert proposal is not None
            self.first.approve(proposal, ANN)
        self.armed = True
        self.live(6, self.replicas)
        self._finish(self.replicas if self.fate.asleep is not None else None)

    def _finish(self, awake: list[Replica] | None) -> None:
        for _ in range(24):
            self.second.finish_rollouts()
            alive = self.replicas if self.struck_at is None else awake or [self.second]
            self.live(TICK if self.took_over or awake else 20, alive)
            if self.struck_at is not None and not self.second.store.unfinished():
                return
            self.clock.advance(timedelta(minutes=5))


@contextmanager
def watched(world: Callable[[], World | None]) -> Iterator[None]:
    """Let the moments of transactions be told to the world of the day."""

    def told(kind: str, connection: Any = None) -> None:
        current = world()
        if current is not None and current.acting is current.first:
            current.moment(current.first, kind)

    def begin(connection: Any) -> None:
        told("begin")

    def commit(connection: Any) -> None:
        told("commit")
        try:
            connection.connection.driver_connection.commit()
        except psycopg.Error as error:
            raise sa.exc.OperationalError("COMMIT", {}, error) from error
        told("committed")

    listeners = (("begin", begin), ("commit", commit))
    for name, listener in listeners:
        sa.event.listen(Engine, name, listener)
    try:
        yield
    finally:
        for name, listener in listeners:
            sa.event.remove(Engine, name, listener)


def emptied(connection: Any) -> None:
    """Forget everything that the last run stored."""
    names = ", ".join(table.name for table in metadata.sorted_tables)
    connection.execute(f"TRUNCATE {names} RESTART IDENTITY".encode())
