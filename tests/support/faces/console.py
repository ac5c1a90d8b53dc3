"""The table's column for the web console: forms are sent whether or not there is a button."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from support.console import Visitor, parsed
from support.faces.face import Answer, Face, Outcome, Subject
from support.running import Running

PAGES: Final[Mapping[str, Callable[[Subject], str]]] = {
    "list proposals": lambda _: "history",
    "show proposal": lambda s: f"proposals/{s.id}",
    "history of proposal": lambda s: f"proposals/{s.id}",
    "list audits": lambda _: "audits",
    "show audit": lambda s: f"audits/{s.audit}",
    "list policies": lambda _: "policies",
    "show policy": lambda s: f"policies/{s.policy}",
    "refusals": lambda _: "controls",
    "read pause": lambda _: "controls",
    "list holds": lambda _: "controls",
}
FORMS: Final[Mapping[str, Callable[[Subject], str]]] = {
    "approve": lambda s: f"proposals/{s.id}/approve",
    "reject": lambda s: f"proposals/{s.id}/reject",
    "rollback": lambda s: f"proposals/{s.id}/rollback",
    "run audit": lambda s: f"audits/{s.audit}/run",
    "pause": lambda _: "pause",
    "resume": lambda _: "resume",
    "lift hold": lambda _: "holds/none/lift",
}
_STREAM: Final = frozenset({"stream"})
_LEFT_OUT: Final = {
    "propose": "policies, agents, workflows, REST and the command line ask for changes",
    "read workload": "its proposals are in the history, its state by REST and command line",
    "trail": "a proposal's timeline holds its events",
    "manage": "a workflow's route",
}
_OUTCOMES: Final = {
    401: Outcome.STRANGER,
    429: Outcome.STRANGER,
    403: Outcome.FORBIDDEN,
    404: Outcome.MISSING,
}


def _call(running: Running, caller: str, operation: str, subject: Subject) -> Answer:
    with Visitor(running.url) as visitor:
        if caller != "none":
            visitor.sign_in(caller)
        if operation in _STREAM:
            return _stream(visitor)
        if operation in PAGES:
            return _said(visitor.get(f"/console/{PAGES[operation](subject)}"))
        fields = {"csrf": _csrf(visitor), "digest": subject.digest}
        return _said(visitor.post(f"/console/{FORMS[operation](subject)}", fields))


def _csrf(visitor: Visitor) -> str:
    """Return the session's token, which every page carries; a guess where there is no page."""
    found = parsed(visitor.get("/console").text).all("input", name="csrf")
    return found[0]["value"] if found else "0" * 64


def _stream(visitor: Visitor) -> Answer:
    with visitor.http.stream("GET", "/console/events") as answer:
        if answer.is_success:
            return Answer(Outcome.DONE, next(answer.iter_lines()))
        answer.read()
        return _said(answer)


def _said(answer: Any) -> Answer:
    away = answer.status_code == 303 and "/sign-in" in answer.headers["location"]
    done = answer.status_code in (200, 303) and not away
    other = Outcome.DONE if done else Outcome.STRANGER if away else Outcome.OTHER
    return Answer(_OUTCOMES.get(answer.status_code, other), answer.text)


FACE: Final = Face("console", frozenset(PAGES) | frozenset(FORMS) | _STREAM, _LEFT_OUT, _call)
