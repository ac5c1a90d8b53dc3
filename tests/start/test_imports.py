"""What the daemon loads at its start, and what it must not."""

import subprocess
import sys

from remedyd.lean import UNNEEDED

FORBIDDEN = (
    *UNNEEDED,
    "jsonschema",
    "alembic",  # only to migrate
    "duckdb",  # the offline engine's
    "jinja2",  # with the first page of the console
    "kubernetes.client.api.core_v1_api",  # typed clients: half a second and 26 MB
    "mcp",  # with the first agent
    "opentelemetry.sdk",  # only with an endpoint
    "psycopg",  # only with PostgreSQL
    "pydantic.v1",  # which no model of ours is
    "pygments",  # colours
    "remedyd.doctor",
    "remedyd.lab",
    "remedyd.offline",
    "remedyd.testing",
    "sqlalchemy.dialects.postgresql",  # only with PostgreSQL
    "jwt",  # only with an OpenID provider
)
DAEMON = """
import sys
from remedyd import lean
with lean.imports():
    import remedyd.cli.run, remedyd.app, remedyd.server.asgi, remedyd.server.callers
    import remedyd.server.console.sessions, remedyd.server.context, remedyd.server.serving
    import remedyd.settings, remedyd.observability.logs
print(*sorted(name for name, module in sys.modules.items() if module is not None))
"""


def _loaded(program: str) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(ran.stdout.split())


def test_the_daemon_imports_nothing_that_it_may_never_need() -> None:
    """Tools, laboratories and optional libraries stay outside of its memory."""
    assert _loaded(DAEMON) & set(FORBIDDEN) == set()


def test_before_the_port_is_open_only_the_standard_library_is_loaded() -> None:
    """What opens the door must not wait for the house."""
    loaded = _loaded("import sys, remedyd.doorstep; print(*sorted(sys.modules))")
    own = {name for name in loaded if name.startswith("remedyd")}
    foreign = {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names) - {"remedyd"}
    assert own == {"remedyd", "remedyd.doorstep"}
    assert {name for name in foreign if not name.startswith("_")} <= {"sitecustomize"}
