"""The table's column for the command line."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import yaml

from support.faces.face import Answer, Face, Outcome, Subject
from support.line import Line
from support.running import Running

COMMANDS: Final[Mapping[str, Callable[[Subject], list[str]]]] = {
    "list proposals": lambda _: ["proposals", "list"],
    "propose": lambda s: [
        *("propose", "scale", f"deployment/{s.app}", "-n", "shop", "--replicas", "2"),
        *("-o", "yaml"),
    ],
    "show proposal": lambda s: ["proposals", "show", s.id],
    "history of proposal": lambda s: ["proposals", "events", s.id],
    "approve": lambda s: ["proposals", "approve", s.id, "--digest", s.digest],
    "reject": lambda s: ["proposals", "reject", s.id],
    "rollback": lambda s: ["proposals", "rollback", s.id],
    "read workload": lambda s: ["status", f"deployment/{s.app}", "-n", "shop"],
    "read pause": lambda _: ["status"],
    "list policies": lambda _: ["status"],
    "pause": lambda _: ["pause"],
    "resume": lambda _: ["resume"],
    "list holds": lambda _: ["holds", "list"],
    "lift hold": lambda _: ["holds", "lift", "none"],
}
_ITS_OWN: Final = "audit and policy commands work on files and recordings, without a daemon"
_LEFT_OUT: Final = {
    "list audits": _ITS_OWN,
    "show audit": _ITS_OWN,
    "run audit": _ITS_OWN,
    "show policy": _ITS_OWN,
    "trail": "events of one proposal, by proposals events",
    "refusals": "read by REST and the console",
    "stream": "proposals list --watch, which does not end by itself",
    "manage": "a workflow's route",
}


def _call(running: Running, caller: str, operation: str, subject: Subject) -> Answer:
    line = Line(running.url, Path(tempfile.gettempdir()))
    done = line(
        *COMMANDS[operation](subject),
        role="" if caller == "none" else caller,
        REMEDYD_CONTEXTS="/nonexistent",
    )
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    if done.returncode:
        return Answer(_outcome(done.stderr), text)
    made = yaml.safe_load(done.stdout)["id"] if operation == "propose" else ""
    return Answer(Outcome.DONE, text, made)


def _outcome(error: str) -> Outcome:
    if "lacks the scope" in error or "may act in some namespaces only" in error:
        return Outcome.FORBIDDEN
    if any(words in error for words in ("no token for", "not known", "expired", "too many failed")):
        return Outcome.STRANGER
    if "error: no " in error or "error: there is no " in error:
        return Outcome.MISSING
    return Outcome.OTHER


FACE: Final = Face("CLI", frozenset(COMMANDS), _LEFT_OUT, _call)
