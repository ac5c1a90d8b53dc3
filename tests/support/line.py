"""The command line in this process: what a shell would see, without a new interpreter each time."""

import os
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from remedyd.cli.failures import explained
from remedyd.cli.main import build, command
from support.running import TOKENS


@dataclass(frozen=True)
class Done:
    """What came of a command, by the names that `subprocess` gives it."""

    returncode: int
    stdout: str
    stderr: str


class Line:
    """Runs `remedyd` as a shell would, with an environment of its own."""

    def __init__(self, url: str, home: Path) -> None:
        """Take the daemon and an empty home directory."""
        self.url = url
        self.home = home

    def own(self, role: str) -> dict[str, str]:
        """Return the variables that name the daemon and the role's token."""
        token = {"REMEDYD_TOKEN": TOKENS[role]} if role else {}
        return {"HOME": str(self.home), "REMEDYD_URL": self.url, "NO_COLOR": "1", **token}

    def environment(self, role: str) -> dict[str, str]:
        """Return a whole environment, for a process."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("REMEDYD_")}
        return kept | self.own(role)

    def __call__(
        self, *words: str, role: str = "viewer", answer: str = "", **environment: str
    ) -> Done:
        """Run it and return what came of it."""
        away = {name: None for name in os.environ if name.startswith("REMEDYD_")}
        known = away | self.own(role) | environment
        with CliRunner().isolation(input=answer, env=known) as (out, err, _):
            status = _run(words)
            return Done(status, out.getvalue().decode(), err.getvalue().decode())


def _run(words: tuple[str, ...]) -> int:
    """Do what `remedyd.cli.main.main` does, with these words."""
    try:
        with explained():
            build(command(words))(args=list(words), prog_name="remedyd")
    except SystemExit as end:
        return int(end.code or 0)
    return 0
