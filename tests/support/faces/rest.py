"""The table's column for REST; its operations are compared with the OpenAPI document."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from support.faces.face import Answer, Face, Outcome, Subject
from support.running import Running
from support.ways import scaling

_OUTCOMES: Final = {
    401: Outcome.STRANGER,
    429: Outcome.STRANGER,
    403: Outcome.FORBIDDEN,
    404: Outcome.MISSING,
}
_Body = Callable[[Subject], Any]


def _nothing(_: Subject) -> Any:
    return None


def _empty(_: Subject) -> Any:
    return {}


def _manage(subject: Subject) -> Any:
    return {"action": "scale", "deployment": subject.app, "namespace": "shop", "replicas": "2"}


_ONE: Final = "/v1/proposals/{proposal_id}"
ROUTES: Final[Mapping[str, tuple[str, str, _Body]]] = {
    "list proposals": ("GET", "/v1/proposals", _nothing),
    "propose": ("POST", "/v1/proposals", lambda subject: scaling(subject.app)),
    "show proposal": ("GET", _ONE, _nothing),
    "history of proposal": ("GET", f"{_ONE}/events", _nothing),
    "approve": ("POST", f"{_ONE}/approve", lambda subject: {"digest": subject.digest}),
    "reject": ("POST", f"{_ONE}/reject", _empty),
    "rollback": ("POST", f"{_ONE}/rollback", _empty),
    "list audits": ("GET", "/v1/audits", _nothing),
    "show audit": ("GET", "/v1/audits/{audit}", _nothing),
    "run audit": ("POST", "/v1/audits/{audit}/run", _nothing),
    "list policies": ("GET", "/v1/policies", _nothing),
    "show policy": ("GET", "/v1/policies/{policy}", _nothing),
    "read workload": ("GET", "/v1/workloads/{namespace}/{kind}/{name}", _nothing),
    "trail": ("GET", "/v1/trail", _nothing),
    "refusals": ("GET", "/v1/refusals", _nothing),
    "stream": ("GET", "/v1/events", _nothing),
    "read pause": ("GET", "/v1/pause", _nothing),
    "pause": ("POST", "/v1/pause", _empty),
    "resume": ("DELETE", "/v1/pause", _nothing),
    "list holds": ("GET", "/v1/holds", _nothing),
    "lift hold": ("DELETE", "/v1/holds/{hold_id}", _nothing),
    "manage": ("POST", "/manage", _manage),
}


def _call(running: Running, caller: str, operation: str, subject: Subject) -> Answer:
    method, route, body = ROUTES[operation]
    path = route.format(
        proposal_id=subject.id,
        audit=subject.audit,
        policy=subject.policy,
        namespace="shop",
        kind="Deployment",
        name=subject.app,
        hold_id="none",
    )
    content = body(subject)
    given: dict[str, Any] = {} if content is None else {"json": content}
    query = {"seconds": "0.1"} if operation == "stream" else {}
    client = running.client("" if caller == "none" else caller)
    answer = client.request(method, path, params=query, **given)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
    done = Outcome.DONE if answer.is_success else Outcome.OTHER
    made = ""
    if answer.is_success and operation == "propose":
        made = answer.json()["id"]
    elif answer.is_success and operation == "manage":
        made = answer.json()["proposal"]
    return Answer(_OUTCOMES.get(answer.status_code, done), answer.text, made)


FACE: Final = Face("REST", frozenset(ROUTES), {}, _call)
