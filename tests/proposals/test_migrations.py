"""From nothing and from every earlier revision, a start arrives at today's schema."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from remedyd.errors import StoreError
from remedyd.model import ProposalId, State, SystemClock
from remedyd.proposals import migrations, tables
from remedyd.proposals.answers import Answer
from remedyd.proposals.migrations.runner import configuration, upgrade
from remedyd.proposals.store import Store
from remedyd.proposals.trail import TrailFilter
from support.proposals import START, a_proposal
from support.remembering import columns

LIGHT = """
import sys
from remedyd.model import SystemClock
from remedyd.proposals.gate import Gate
from remedyd.proposals.store import Store
from remedyd.proposals.trail import TrailFilter
store = Store(sys.argv[1], SystemClock())
assert store.migrate() is False
store.check()
print([name for name in ("alembic", "psycopg", "mako") if name in sys.modules])
"""


SAID = '{"principal": "ann", "detail": "", "data": {}}'
TIMES = '{"times": []}'
FLAG = '{"value": true, "principal": "ann", "reason": "why"}'
HOLD = '{"detail": "why", "data": {}, "ended_by": "", "end_reason": ""}'


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'remedyd.db'}"
    server = request.getfixturevalue("server")
    return str(server.url(server.database()))


@pytest.fixture
def engine(empty: str) -> Iterator[sa.Engine]:
    """Return an engine of our own on the same database."""
    made = sa.create_engine(empty.replace("postgresql:", "postgresql+psycopg:"))
    yield made
    made.dispose()


def _at(engine: sa.Engine, revision: str) -> None:
    with engine.begin() as connection:
        upgrade(connection, revision)


def _migrated(url: str) -> Store:
    store = Store(url, SystemClock())
    assert store.migrate() is True
    return store


def _shape(engine: sa.Engine) -> list[tuple[object, ...]]:
    """Return all that the database itself knows of its columns, indexes and constraints."""
    if engine.dialect.name == "sqlite":
        queries = [
            (
                "SELECT t.name, c.* FROM sqlite_schema t, pragma_table_xinfo(t.name) c"
                " WHERE t.type = 'table'"
            ),
            "SELECT t.name, k.* FROM sqlite_schema t, pragma_foreign_key_list(t.name) k",
            "SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_schema WHERE type = 'table'",
            "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index'",
        ]
    else:
        queries = [
            (
                "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable,"
                " column_default, ordinal_position FROM information_schema.columns"
                " WHERE table_schema = 'public'"
            ),
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
            (
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
                " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
            ),
        ]
    with engine.connect() as connection:
        return sorted(
            (tuple(row) for query in queries for row in connection.execute(sa.text(query))), key=str
        )


def test_a_new_database_is_as_a_migrated_one(empty: str, engine: sa.Engine) -> None:
    """What is made at once and what the revisions make cannot be told apart."""
    _migrated(empty).close()
    new = _shape(engine)
    with engine.begin() as connection:
        command.downgrade(configuration(connection), "base")
        upgrade(connection)
    assert _shape(engine) == new
    assert len(new) > 80


def test_the_revisions_lead_to_the_tables(empty: str, engine: sa.Engine) -> None:
    """What the revisions build is what the code's tables say."""
    _at(engine, "head")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_the_rule_of_one_open_is_in_the_database(empty: str, engine: sa.Engine) -> None:
    """The partial unique index exists under its name, with its condition."""
    _migrated(empty).close()
    indexes = {index["name"]: index for index in sa.inspect(engine).get_indexes("proposals")}
    index = indexes["proposals_one_open_per_workload"]
    assert index["unique"]
    condition = index.get("dialect_options", {})[f"{engine.dialect.name}_where"]
    assert "is_open" in str(condition)


def test_a_second_start_has_nothing_to_do(empty: str) -> None:
    """A current database is left alone."""
    store = _migrated(empty)
    assert store.migrate() is False
    store.close()


EARLIER = [f"{number:04}" for number in range(1, int(tables.HEAD))]


def _filled(engine: sa.Engine, revision: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a store of today in the shape of an earlier revision, and write them."""
    _at(engine, revision)
    found = sa.MetaData()
    found.reflect(engine)
    rows: dict[str, list[dict[str, Any]]] = {
        "proposals": [
            columns(a_proposal("p1", "cart"), None),
            columns(a_proposal("p2", "till", state=State.EFFECTIVE), None),
            columns(a_proposal("p3", "desk", state=State.INCONCLUSIVE), START),
        ],
        "events": [
            {"proposal": "p1", "sequence": 0, "at": START, "action": "propose",
             "state": "Proposed", "body": SAID, "principal": "ann"},
        ],
        "sightings": [
            {"policy": "oom", "identity": "a/b", "last_at": START, "times": TIMES},
        ],
        "flags": [{"name": "pause", "sequence": 1, "at": START, "body": FLAG}],
        "holds": [
            {"id": "h1", "kind": "Quarantine", "subject": "prod/shop/Deployment/desk",
             "since": START, "ended_at": None, "body": HOLD},
        ],
        "answers": [
            {"key": "k", "request": "r", "at": datetime.now(UTC), "status": 201, "body": "{}"},
        ],
        "outbox": [
            {"channel": "elasticsearch", "id": "e1", "at": START, "body": "{}", "why": ""},
        ],
    }  # fmt: skip
    written = {}
    with engine.begin() as connection:
        for name, table in rows.items():
            if name in found.tables:
                known = found.tables[name].columns.keys()
                written[name] = [{k: v for k, v in row.items() if k in known} for row in table]
                connection.execute(sa.insert(_typed(name, known)), written[name])
    return written


def _typed(name: str, known: Iterable[str]) -> sa.TableClause:
    """Return a table of an earlier revision, whose times are written as they are today."""
    today = tables.metadata.tables[name].columns
    return sa.table(name, *(sa.column(key, today[key].type) for key in known))


@pytest.mark.parametrize("revision", EARLIER)
def test_what_an_earlier_revision_stored_is_kept(
    empty: str, engine: sa.Engine, revision: str
) -> None:
    """A start brings a filled store of every earlier revision to today's, with all its rows."""
    written = _filled(engine, revision)
    store = _migrated(empty)
    for name, rows in written.items():
        with engine.connect() as connection:
            kept = connection.execute(sa.select(_typed(name, rows[0]))).mappings().all()
        assert sorted(map(dict, kept), key=str) == sorted(rows, key=str), name
    made = store.get(ProposalId("p1"))
    assert store.transition(made, State.REJECTED, principal="ann").version == made.version + 1
    assert [one.event.action for one in store.trail.read(TrailFilter(principal="ann"))] == [
        "Rejected", "propose",
    ]  # fmt: skip
    if "answers" in written:
        assert store.answers.begin("k", "r") == Answer(201, "{}", {})
    assert store.decision_state(START).failures == {"prod/shop/Deployment/desk": (START,)}
    store.flags.resume("bob", START)
    store.flags.pause("alice", START)
    assert store.flags.paused() is not None
    store.check()
    store.close()


def test_a_replica_that_runs_on_while_the_next_version_upgrades_the_store_knows_it(
    empty: str, engine: sa.Engine
) -> None:
    """It is not ready any more, says why, and is too old to act."""
    store = _migrated(empty)
    assert not store.outdated()
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    assert store.outdated()
    with pytest.raises(StoreError, match="has schema 9999"):
        store.check()
    store.close()


def test_an_outdated_schema_fails_the_check(empty: str, engine: sa.Engine) -> None:
    """Until it is migrated, an older store is not ready, and says what to do."""
    _at(engine, "0001")
    store = Store(empty, SystemClock())
    with pytest.raises(StoreError, match=f"has schema 0001, {tables.HEAD} is needed") as failed:
        store.check()
    assert "migrates" in failed.value.hint
    store.close()


def test_a_newer_database_is_left_alone(empty: str, engine: sa.Engine) -> None:
    """A store of a later version is neither used nor changed."""
    _migrated(empty).close()
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    store = Store(empty, SystemClock())
    with pytest.raises(StoreError, match=f"has schema 9999, this version knows {tables.HEAD}"):
        store.migrate()
    store.close()
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == "9999"


def test_a_failed_migration_leaves_nothing(empty: str, engine: sa.Engine) -> None:
    """A migration that breaks half way is undone as a whole."""
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE sightings (in_the_way INTEGER)"))
    store = Store(empty, SystemClock())
    with pytest.raises(StoreError, match="sightings"):
        store.migrate()
    store.close()
    assert sa.inspect(engine).get_table_names() == ["sightings"]


def test_the_code_knows_the_last_revision() -> None:
    """The revision that the code expects is the last one, and there is one line of them."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [tables.HEAD]


def test_every_revision_can_be_taken_back(empty: str, engine: sa.Engine) -> None:
    """Going down to nothing leaves no table of ours."""
    _at(engine, "head")
    with engine.begin() as connection:
        command.downgrade(configuration(connection), "base")
    assert sa.inspect(engine).get_table_names() == ["alembic_version"]


def test_the_daily_start_is_light(tmp_path: Path) -> None:
    """On a current SQLite store neither alembic nor the PostgreSQL driver is imported."""
    url = f"sqlite:///{tmp_path / 'remedyd.db'}"
    _migrated(url).close()
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, url], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
