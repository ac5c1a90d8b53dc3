"""A daemon over a long history: how quick are REST, event stream, console and command line?

    python benchmarks/faces.py sqlite:////path/remedyd.db

The store is one that `history.py` filled, or is filled first where it is empty. The daemon, the lab
and the clients share this process, so its processor time is all there is but for PostgreSQL's own.
Commands are called without the start of an interpreter.
"""

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import history
import httpx2

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from remedyd.cli import main as cli
from remedyd.lab.world import Lab
from remedyd.model import ManualClock
from remedyd.observability import logs
from remedyd.proposals.store import Store
from support.console import Visitor
from support.running import TOKENS, Running

OLD_DAY = "since=2026-09-20T00:00:00Z&until=2026-09-21T00:00:00Z"
REST = (
    "/v1/proposals",
    "/v1/proposals?limit=200",
    "/v1/proposals?namespace=ns-7",
    "/v1/proposals?state=RolledBack",
    "/v1/proposals?policy=policy-3",
    "/v1/proposals?open=true",
    "/v1/proposals?source=request",
    f"/v1/proposals?{OLD_DAY}",
    "/v1/proposals/p0060500",
    "/v1/proposals/p0060500/events",
    "/v1/trail",
    "/v1/trail?limit=500",
    "/v1/trail?policy=policy-3",
    "/v1/trail?namespace=ns-7",
    "/v1/trail?action=approve",
    f"/v1/trail?{OLD_DAY}",
    "/v1/refusals",
    "/v1/holds",
    "/metrics",
    "/readyz",
)
CONSOLE = (
    "/console",
    "/console/history",
    "/console/history?namespace=ns-7",
    "/console/history?state=Harmful",
    "/console/history?policy=policy-3",
    "/console/history?until=2026-10-05T20:00:00",
    "/console/proposals/p0060500",
)
COMMANDS = (
    "proposals list",
    "proposals list --state RolledBack",
    "proposals show p0060500",
    "proposals events p0060500",
    "trail",
    "trail --policy policy-3",
    "status",
)


def told(name: str, ask: Callable[[], object]) -> None:
    """Print what it costs."""
    print(f"| `{name}` | {' | '.join(history.timed(ask))} |", flush=True)


def followed(client: httpx2.Client, after: int, query: str) -> None:
    """Take up the event stream far back, and read a hundred events."""
    where, headers = f"/v1/events?seconds=5{query}", {"Last-Event-ID": str(after)}
    with client.stream("GET", where, headers=headers) as answer:
        seen = (line for line in answer.iter_lines() if line.startswith("id:"))
        for _ in zip(range(100), seen, strict=False):
            pass


@contextlib.contextmanager
def commanding(url: str, home: Path) -> Iterator[Callable[[str], None]]:
    """Give what runs a command against the daemon."""
    token = home / "token"
    token.write_text(TOKENS["admin"], encoding="utf-8")
    os.environ |= {"REMEDYD_URL": url, "REMEDYD_TOKEN_FILE": str(token)}

    def run(line: str) -> None:
        words = line.split()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            cli.build(cli.command(words))(words, prog_name="remedyd")

    yield run


def ready(url: str, count: int) -> None:
    """Migrate the store, and fill it if it is empty."""
    with closing(Store(url, ManualClock(history.NOW))) as store:
        store.migrate()
        empty = not store.list().items
    if empty:
        history.fill(url, count)


def main(url: str, count: int) -> None:
    """Measure and print."""
    logs.configure("ERROR", "ecs")
    ready(url, count)
    print("| What | Best ms | Median ms | Own processor time, ms |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="remedyd-") as name, Lab(origin=history.NOW) as lab:
        home = Path(name)
        with Running(lab, home, database=url, policies=[]) as daemon:
            client = daemon.client("admin")
            for path in REST:
                told(path, lambda path=path: client.get(path).raise_for_status())
            for query in ("", "&policy=policy-3", "&namespace=ns-7"):
                told(f"/v1/events{query}", lambda query=query: followed(client, count * 3, query))
            with Visitor(daemon.url) as visitor:
                visitor.sign_in("viewer")
                for path in CONSOLE:
                    told(path, lambda path=path: visitor.page(path))
            with commanding(daemon.url, home) as run:
                for line in COMMANDS:
                    told(f"remedyd {line}", lambda line=line: run(line))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
