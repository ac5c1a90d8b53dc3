"""The store's disk is full, or its database is gone: nothing is written, nothing is lost."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import stamina

from remedyd.errors import StoreError
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model import KubeObject, Proposal, State
from support import postgres
from support.steered import ADA, Steered

SCENARIO = Scenario(
    workloads=tuple(
        WorkloadSpec("shop", name, "registry.example.com/shop:1", "40Mi", "20m", 2)
        for name in ("cart", "web", "pay", "mail", "ad")
    ),
    namespaces=("default", "kube-system", "shop"),
)
GUARDRAILS = """
apiVersion: remedyd.io/v1alpha1
kind: Guardrails
metadata: {name: limits}
spec: {quarantineAfter: 100, rate: {perHour: 1000, perNamespace: 1000}}
"""
MINUTE = timedelta(minutes=1)
ROLE = "remedyd"


class Disk:
    """A small file system in memory that can be filled up."""

    def __init__(self, place: Path) -> None:
        """Take where it is mounted."""
        self.place = place
        self._ballast = place / "ballast"

    def fill(self) -> None:
        """Leave not a byte."""
        with self._ballast.open("wb", buffering=0) as out:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while out.write(b"\0" * size) == size:
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Give the space back."""
        self._ballast.unlink()


@contextmanager
def mounted(place: Path) -> Iterator[Disk]:
    """Mount a disk of four megabytes; skip the test where that may not be done."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if os.getuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield Disk(place)
    finally:
        subprocess.run(["umount", str(place)], check=True)


@contextmanager
def living(home: Path, database: str, guardrails: Path) -> Iterator[Steered]:
    """Run a daemon on a store, on a lab of its own."""
    guardrails.write_text(GUARDRAILS, encoding="utf-8")
    lab = Lab(seed=5, history=MINUTE, interval=10 * MINUTE, scenario=SCENARIO)
    with (
        stamina.set_testing(True, attempts=2, cap=True),
        lab,
        Steered(lab, home, guardrails=guardrails, database=database) as daemon,
    ):
        yield daemon


class Store:
    """A daemon, and how to make its store fail and work again."""

    def __init__(self, daemon: Steered) -> None:
        """Take the daemon."""
        self.daemon = daemon

    def broken(self) -> None:
        """Have it fail."""

    def mended(self) -> None:
        """Have it work."""


class Full(Store):
    """SQLite on a disk that is full."""

    disk: Disk

    def broken(self) -> None:
        """Fill the disk."""
        self.disk.fill()

    def mended(self) -> None:
        """Free the disk."""
        self.disk.free()


class Gone(Store):
    """PostgreSQL that lets nobody in, after every session was cut off."""

    server: postgres.Server
    name: str

    def broken(self) -> None:
        """Close it and end every session."""
        self._turn("ALTER DATABASE {} ALLOW_CONNECTIONS false")

    def mended(self) -> None:
        """Open it."""
        self._turn("ALTER DATABASE {} ALLOW_CONNECTIONS true")

    def _turn(self, command: str) -> None:
        with self.server.connect() as admin:
            admin.execute(command.format(self.name).encode())
            cut_off(admin, self.name)


class Crowded(Gone):
    """PostgreSQL with no connection left for the daemon's role."""

    def broken(self) -> None:
        """Leave it none."""
        self._turn(f"ALTER ROLE {ROLE} CONNECTION LIMIT 0")

    def mended(self) -> None:
        """Leave it enough."""
        self._turn(f"ALTER ROLE {ROLE} CONNECTION LIMIT -1")


def cut_off(admin: psycopg.Connection, name: str) -> None:
    """End every session of a database, whatever it is at."""
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{name}' AND pid <> pg_backend_pid()".encode()
    )


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """SQLite on a small disk."""
    home = tmp_path_factory.mktemp("full")
    with (
        mounted(home / "disk") as disk,
        living(home, f"sqlite:///{disk.place / 'remedyd.db'}", home / "limits.yaml") as daemon,
    ):
        store = Full(daemon)
        store.disk = disk
        yield store


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[postgres.Server, str]]:
    """A PostgreSQL server and a database on it."""
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL server here: install the package `postgresql`")
    with postgres.server() as made:
        name = made.database()
        with made.connect(name) as admin:
            admin.execute(f"CREATE ROLE {ROLE} LOGIN".encode())
            admin.execute(f"ALTER DATABASE {name} OWNER TO {ROLE}".encode())
        yield made, name


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, server: tuple[postgres.Server, str]
) -> Iterator[Steered]:
    """A daemon on PostgreSQL."""
    home = tmp_path_factory.mktemp("postgres")
    url = server[0].url(server[1]).replace("//tests@", f"//{ROLE}@")
    with living(home, url, home / "limits.yaml") as daemon:
        yield daemon


@pytest.fixture(params=["full", "gone", "crowded"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each kind of store and trouble; afterwards it works, and the workloads are as they were."""
    if request.param == "full":
        found: Store = request.getfixturevalue("full")
    else:
        kind = Gone if request.param == "gone" else Crowded
        found = kind(request.getfixturevalue("shared"))
        found.server, found.name = request.getfixturevalue("server")
    yield found
    daemon = found.daemon
    assert daemon.bugs() == 0
    daemon.lab.advance(3 * MINUTE)


TAKEN = iter(range(1000))


def asked(daemon: Steered) -> Proposal:
    """Have one replica more proposed for the next workload."""
    names = [one.name for one in SCENARIO.workloads]
    name = names[next(TAKEN) % len(names)]
    replicas = daemon.read(name)["spec"]["replicas"]
    return daemon.request(name, "Scale", {"absolute": replicas + 1})


def landed(daemon: Steered, proposal: Proposal) -> int:
    """Count the writes for a proposal that the API server took."""
    return sum(200 <= one.status < 300 for one in daemon.writes(proposal))


def test_what_cannot_be_recorded_is_not_begun(store: Store) -> None:
    """Asking and approving are refused, `/readyz` says why, and it is over once there is space."""
    daemon = store.daemon
    waiting = asked(daemon)
    assert daemon.service.readiness().reasons == ()
    store.broken()
    try:
        for attempt in (lambda: asked(daemon), lambda: daemon.approve(waiting)):
            with pytest.raises(StoreError) as told:
                attempt()
            assert "nothing was changed" in told.value.hint
        daemon.app.loop.tick()
        reasons = daemon.service.readiness().reasons
    finally:
        store.mended()
    assert [reason.partition(":")[0] for reason in reasons] == ["store"]
    assert landed(daemon, waiting) == 0
    assert daemon.service.readiness().reasons == ()
    assert daemon.now(waiting).state is State.PROPOSED
    daemon.approve(daemon.now(waiting))
    assert daemon.wait(10, waiting).state is State.EFFECTIVE
    assert landed(daemon, waiting) == 1


def test_an_approval_that_is_stored_is_acted_on_when_the_intent_can_be(store: Store) -> None:
    """Between approval and write the store fails: no write, no bug; later one write."""
    daemon = store.daemon
    proposal = asked(daemon)
    daemon.service._gate.approve(proposal.id, proposal.digest, ADA)  # nobody is woken by it
    store.broken()
    try:
        daemon.app.loop.tick()
        daemon.app.loop.advance(proposal.id)
    finally:
        store.mended()
    assert landed(daemon, proposal) == 0
    assert daemon.wait(10, proposal).state is State.EFFECTIVE
    assert landed(daemon, proposal) == 1


def test_a_change_that_could_not_be_recorded_is_found_in_the_cluster(store: Store) -> None:
    """The store fails at the moment of the write: it is read back later, and written once."""
    daemon = store.daemon
    proposal = asked(daemon)
    broken = []

    def at_the_write(_type: str, _gvr: str, obj: KubeObject) -> None:
        if not broken and proposal.id in obj["metadata"].get("annotations", {}).values():
            broken.append(True)
            store.broken()

    daemon.lab.simulation.store.on_change(at_the_write)
    try:
        daemon.service.approve(ADA, proposal.id, proposal.digest)
        daemon.app.loop.advance(proposal.id, patience=10)
        daemon.app.loop.tick()
    finally:
        if broken:
            store.mended()
    assert broken, "nothing was written"
    assert landed(daemon, proposal) == 1
    assert daemon.wait(10, proposal).state is State.EFFECTIVE
    assert landed(daemon, proposal) == 1
    history = daemon.service.events(ADA, proposal.id)
    assert history[-1].state is State.EFFECTIVE
    assert [event.sequence for event in history] == list(range(len(history)))


def test_a_session_that_is_cut_off_in_a_transaction_leaves_nothing(
    shared: Steered, server: tuple[postgres.Server, str]
) -> None:
    """The connection dies between two statements: nothing of the transaction is there."""
    database = shared.service._store._database
    with (
        server[0].connect() as admin,
        pytest.raises(StoreError),
        database.write() as connection,
    ):
        connection.exec_driver_sql("INSERT INTO flags VALUES ('half', 0, '', '{}')")
        cut_off(admin, server[1])
        connection.exec_driver_sql("INSERT INTO flags VALUES ('half', 1, '', '{}')")
    with database.read() as connection:
        left = connection.exec_driver_sql("SELECT count(*) FROM flags WHERE name = 'half'")
        assert left.scalar_one() == 0
    assert shared.service.readiness().reasons == ()
