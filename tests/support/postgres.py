"""A real PostgreSQL server for tests: own directory, own socket, gone afterwards.

PostgreSQL refuses to run as root; then it runs as the `postgres` or `nobody` user. Durability is
off: the tests ask about locks and constraints, not about power cuts.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def memory() -> str | None:
    """Return a directory in memory, where a busy disk does not slow flushes; None if none."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def binaries() -> Path | None:
    """Return the directory of `initdb` and `postgres`, None if there is none."""
    places = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "postgres").exists()), None)


@contextmanager
def server() -> Iterator["Server"]:
    """Run a server while the context lasts."""
    place = binaries()
    assert place is not None
    with tempfile.TemporaryDirectory(prefix="remedyd-postgres-", dir=memory()) as name:
        home = Path(name)
        user = _user()
        if user is not None:
            os.chown(home, user.pw_uid, user.pw_gid)
        account = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid}
        data = home / "data"
        subprocess.run(
            [place / "initdb", "-D", data, "-U", "tests", "-A", "trust", "-N", "-E", "UTF8"],
            check=True,
            capture_output=True,
            cwd=home,
            **account,
        )
        settings = [f"--{setting}" for setting in _FAST]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [place / "postgres", "-D", data, "-k", home, "-h", "", *settings],
                stdout=log,
                stderr=log,
                cwd=home,
                **account,
            )
        try:
            yield _ready(Server(home), process)
        finally:
            process.send_signal(signal.SIGINT)  # SIGTERM would wait for who is still connected
            process.wait(timeout=20)


class Server:
    """A running server; every database in it is thrown away with it."""

    def __init__(self, socket: Path) -> None:
        """Take the directory of its socket."""
        self._socket = socket
        self._made = 0

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Return an autocommitting connection."""
        return psycopg.connect(
            host=str(self._socket), user="tests", dbname=database, autocommit=True
        )

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql://tests@/{database}?host={self._socket}"

    def database(self) -> str:
        """Create an empty database and return its name."""
        self._made += 1
        name = f"d{self._made}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name


def _ready(made: Server, process: subprocess.Popen[bytes]) -> Server:
    deadline = time.monotonic() + 30
    while True:
        try:
            made.connect().close()
        except psycopg.OperationalError:
            assert process.poll() is None, "PostgreSQL ended at start"
            assert time.monotonic() < deadline, "PostgreSQL did not start within 30 s"
            time.sleep(0.05)
        else:
            return made


def _user() -> pwd.struct_passwd | None:
    if os.getuid() != 0:
        return None
    known: Callable[[str], pwd.struct_passwd] = pwd.getpwnam
    for name in ("postgres", "nobody"):
        try:
            return known(name)
        except KeyError:
            continue
    raise RuntimeError("root may not run PostgreSQL and there is no user postgres or nobody")
