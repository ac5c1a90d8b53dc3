"""A store copied into a file and back is the same store, paused; a damaged file changes nothing."""

import gzip
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from remedyd.errors import Conflict, InvalidInput, StoreError
from remedyd.model import ManualClock, Proposal, State
from remedyd.proposals.backup import backup, restore, stream
from remedyd.proposals.database import Database
from remedyd.proposals.migrations.runner import upgrade
from remedyd.proposals.store import Store
from remedyd.proposals.trail import TrailFilter
from support.proposals import START, a_proposal

PATIENCE = timedelta(seconds=5)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Return a database of either kind without any table."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server = request.getfixturevalue("server")
        url = server.url(server.database())
    made = Database(url, busy_timeout=PATIENCE)
    yield made
    made.close()


@pytest.fixture
def source(store: Store, url: str) -> Iterator[Database]:
    """Return the database of a store with proposals, events and a flag."""
    for n, state in enumerate((State.PROPOSED, State.APPROVED, State.REJECTED)):
        made = store.create(a_proposal(f"p{n}", f"web-{n}"))
        if state is not State.PROPOSED:
            store.transition(made, state, action="moved", principal="ann", detail="é \u2028 'x'")
    opened = Database(url, busy_timeout=PATIENCE)
    yield opened
    opened.close()


def _content(store: Store) -> tuple[list[Proposal], list[Any]]:
    proposals = sorted(store.list().items, key=lambda one: one.id)
    return proposals, [event for one in proposals for event in store.events(one.id)]


def _opened(database: Database, clock: ManualClock) -> Store:
    return Store(_url(database), clock)


def _url(database: Database) -> str:
    return database._engine.url.render_as_string(hide_password=False)


def test_everything_comes_back_on_either_database(
    store: Store, source: Database, empty: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """Proposals and their history are the same after the way through the file."""
    file = tmp_path / "remedyd.backup.gz"
    written = backup(source, file, clock)
    assert written["proposals"] == 3
    assert restore(empty, file, clock) == written
    copy = _opened(empty, clock)
    assert _content(copy) == _content(store)
    copy.close()


def test_a_restored_store_is_paused(
    source: Database, empty: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """Nothing is written to a cluster that has gone on meanwhile, until a person resumes."""
    file = tmp_path / "b.gz"
    backup(source, file, clock)
    restore(empty, file, clock)
    copy = _opened(empty, clock)
    flag = copy.flags.paused()
    copy.close()
    assert flag is not None
    assert "backup" in flag.reason


def test_no_store_is_ever_restored_unpaused(
    source: Database, empty: Database, tmp_path: Path, clock: ManualClock
) -> None:
    """Rows and pause are one transaction: who dies in between leaves nothing."""

    class Dying(ManualClock):
        def now(self) -> datetime:
            raise KeyboardInterrupt

    backup(source, tmp_path / "b.gz", clock)
    with pytest.raises(KeyboardInterrupt):
        restore(empty, tmp_path / "b.gz", Dying(START))
    with empty.read() as connection:
        assert not sa.inspect(connection).has_table("proposals")


def test_a_link_beside_the_backup_is_not_written_through(
    source: Database, tmp_path: Path, clock: ManualClock
) -> None:
    """In a directory of many, nobody can choose where the content goes."""
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / "b.gz.part").symlink_to(other)
    backup(source, tmp_path / "b.gz", clock)
    assert other.read_text() == "mine"


def test_a_restored_store_goes_on_counting(
    source: Database, empty: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """New events follow the restored ones; they do not collide."""
    file = tmp_path / "b.gz"
    backup(source, file, clock)
    restore(empty, file, clock)
    copy = _opened(empty, clock)
    before = copy.trail.last()
    copy.create(a_proposal("p9", "new"))
    after = copy.trail.read(TrailFilter(after=before))
    copy.close()
    assert [entry.event.proposal for entry in after] == ["p9"]


def test_a_backup_is_for_its_owner_alone(
    source: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """Evidence and names are nobody else's business."""
    file = tmp_path / "b.gz"
    backup(source, file, clock)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_existing_file_is_not_overwritten_by_accident(
    source: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """Only when it is said."""
    file = tmp_path / "b.gz"
    file.write_text("mine")
    with pytest.raises(Conflict):
        backup(source, file, clock)
    assert file.read_text() == "mine"
    backup(source, file, clock, replace=True)
    assert file.read_bytes()[:2] == b"\x1f\x8b"


def test_a_store_that_holds_anything_is_not_restored_into(
    store: Store, source: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """What is there is never mixed with what was."""
    file = tmp_path / "b.gz"
    backup(source, file, clock)
    before = _content(store)
    with pytest.raises(Conflict, match="not empty"):
        restore(source, file, clock)
    assert _content(store) == before


def _cut(lines: list[str]) -> list[str]:
    return lines[:-1]


def _fewer(lines: list[str]) -> list[str]:
    return [*lines[:-2], lines[-1]]


def _foreign(lines: list[str]) -> list[str]:
    return ['{"format": "other"}', *lines[1:]]


def _newer(lines: list[str]) -> list[str]:
    return [json.dumps({**json.loads(lines[0]), "revision": "9999"}), *lines[1:]]


def _unknown(lines: list[str]) -> list[str]:
    return [lines[0], '{"table": "secrets", "row": {}}', *lines[1:]]


def _broken(lines: list[str]) -> list[str]:
    return [lines[0], '{"table": ', *lines[1:]]


def _missing(lines: list[str]) -> list[str]:
    line = json.loads(lines[1])
    del line["row"][next(iter(line["row"]))]
    return [lines[0], json.dumps(line), *lines[2:]]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_cut, "cut off"),
        (_fewer, "counts at the end"),
        (_foreign, "no backup of a remedyd store"),
        (_newer, "newer remedyd"),
        (_unknown, ":2: not a row of a table"),
        (_broken, ":2: the backup is damaged"),
        (_missing, ":2: not a row of a table"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_damaged_file_leaves_the_store_empty(
    source: Database, empty: Database, clock: ManualClock, tmp_path: Path, damage: Any, reason: str
) -> None:
    """All rows or none: the error says what is wrong and in which line."""
    file = tmp_path / "b.gz"
    backup(source, file, clock)
    lines = gzip.decompress(file.read_bytes()).decode().split("\n")[:-1]
    with gzip.open(file, "wt", encoding="utf-8") as out:
        out.write("\n".join(damage(lines)) + "\n")
    with pytest.raises(InvalidInput, match=reason):
        restore(empty, file, clock)
    with empty.read() as connection:
        assert sa.inspect(connection).get_table_names() == []


def test_a_truncated_file_leaves_the_store_empty(
    source: Database, empty: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """A copy that ended early is told from a whole one."""
    file = tmp_path / "b.gz"
    backup(source, file, clock)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(InvalidInput, match="damaged"):
        restore(empty, file, clock)


def test_a_backup_of_an_older_schema_is_upgraded(
    empty: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """What an earlier version saved, this one can use."""
    old = Database(f"sqlite:///{tmp_path / 'old.db'}", busy_timeout=PATIENCE)
    with old.write() as connection:
        upgrade(connection, "0001")
    backup(old, tmp_path / "b.gz", clock)
    old.close()
    restore(empty, tmp_path / "b.gz", clock)
    copy = _opened(empty, clock)
    copy.check()
    copy.close()


def test_an_empty_database_is_nothing_to_save(
    empty: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """A backup of the wrong database would be noticed too late."""
    with pytest.raises(StoreError, match="is empty"):
        backup(empty, tmp_path / "b.gz", clock)
    assert list(tmp_path.glob("b.gz*")) == []


def test_a_backup_is_read_in_portions(source: Database, clock: ManualClock) -> None:
    """PostgreSQL's driver would hold a whole table in memory otherwise."""
    cursors: list[str] = []

    def seen(_: object, cursor: object, statement: str, *__: object) -> None:
        if "FROM proposals" in statement or "FROM events" in statement:
            cursors.append(type(cursor).__name__)

    sa.event.listen(source._engine, "before_cursor_execute", seen)
    with Path(os.devnull).open("wb") as out:
        stream(source, out.fileno(), clock)
    assert set(cursors) == {"Cursor" if source.sqlite else "ServerCursor"}
    assert len(cursors) == 2


def test_who_looks_after_the_store_is_not_hurried(url: str) -> None:
    """A vacuum, or a backup into a slow pipe, takes its time; only waits for locks are bounded."""
    database = Database(url, busy_timeout=PATIENCE, unhurried=True)
    with closing(database), database.read() as connection:
        if database.sqlite:
            assert connection.scalar(sa.text("PRAGMA busy_timeout")) == 5000
            return
        names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        shown = [connection.scalar(sa.text(f"SHOW {name}")) for name in names]
    assert shown == ["5s", "0", "0"]


def test_vacuum_gives_space_back(store: Store, url: str, clock: ManualClock) -> None:
    """After many proposals are deleted the file is smaller."""
    for n in range(60):
        done = store.create(a_proposal(f"v{n}", f"w{n}"))
        store.transition(done, State.REJECTED, action="reject", principal="ann", detail="x" * 3000)
    store.delete_finished(START + timedelta(days=400))
    database = Database(url, busy_timeout=PATIENCE)
    before, after = database.vacuum()
    database.close()
    assert after <= before
    if database.sqlite:
        assert after < before


def test_a_backup_that_nobody_takes_whole_is_an_error(source: Database, clock: ManualClock) -> None:
    """A full disk, or a reader that went away: never a backup that only looks whole."""
    reader, gone = os.pipe()
    os.close(reader)
    for handle in (os.open("/dev/full", os.O_WRONLY), gone):
        with pytest.raises(StoreError, match="the backup is cut off"):
            stream(source, handle, clock)
        os.close(handle)


def test_a_backup_goes_through_pipes(source: Database, tmp_path: Path) -> None:
    """As `kubectl exec` has them, sockets with some runtimes: the bytes alone on stdout, what is
    said about them on stderr."""

    def remedyd(database: str, *words: str, given: bytes = b"") -> tuple[bytes, str]:
        environment = {**os.environ, "REMEDYD_DATABASE": database}
        command = [sys.executable, "-m", "remedyd", "store", *words, "-"]
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(given)
            ours.shutdown(socket.SHUT_WR)
            ran = subprocess.run(
                command, stdin=theirs, env=environment, capture_output=True, check=True
            )
        return ran.stdout, ran.stderr.decode()

    content, said = remedyd(_url(source), "backup")
    assert "3 proposals" in said
    restored = f"sqlite:///{tmp_path / 'restored.db'}"
    told, _ = remedyd(restored, "restore", given=content)
    assert b"3 proposals" in told
    made, before = Store(restored, ManualClock(START)), Store(_url(source), ManualClock(START))
    try:
        assert _content(made) == _content(before)
    finally:
        made.close()
        before.close()
