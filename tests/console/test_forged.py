"""A form that was not sent by a page of the console does nothing, and is kept in the trail."""

from typing import Any

import pytest

from support.console import Visitor
from support.running import Running
from support.ways import proposed


def _form(visitor: Visitor, made: dict[str, Any]) -> dict[str, str]:
    page = visitor.page(f"/console/proposals/{made['id']}")
    form = page.one("form", id="decide-form")
    return {name: form.one("input", name=name)["value"] for name in ("csrf", "digest")}


def _state(running: Running, made: dict[str, Any]) -> str:
    found: str = running.client("viewer").get(f"/v1/proposals/{made['id']}").json()["state"]
    return found


def _kept(running: Running, made: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = running.client("viewer").get(f"/v1/refusals?proposal={made['id']}").json()["items"]
    return [(each["principal"], each["operation"], each["outcome"]) for each in found]


@pytest.mark.parametrize(
    "change",
    [
        {"csrf": ""},
        {"csrf": "0" * 64},
        {"csrf": "ä"},
    ],
    ids=["none", "guessed", "strange"],
)
def test_without_the_sessions_own_token_it_is_refused(
    running: Running, approver: Visitor, change: dict[str, str]
) -> None:
    """The cookie alone, which a browser sends by itself, approves nothing."""
    made = proposed(running)
    fields = _form(approver, made) | change
    answer = approver.post(f"/console/proposals/{made['id']}/approve", fields)
    assert answer.status_code == 403
    assert _state(running, made) == "Proposed"
    assert _kept(running, made) == [("approver", "approve", "Forbidden")]


def test_the_token_of_another_session_does_not_fit(running: Running, approver: Visitor) -> None:
    """Not even that of another session of the same person."""
    made = proposed(running)
    with Visitor(running.url) as other:
        other.sign_in("approver")
        foreign = _form(other, made)
    answer = approver.post(f"/console/proposals/{made['id']}/approve", foreign)
    assert answer.status_code == 403
    assert _state(running, made) == "Proposed"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=["elsewhere", "opaque", "unsaid", "cross-site", "sibling", "contradiction"],
)
@pytest.mark.parametrize("operation", ["approve", "reject", "rollback"])
def test_from_another_page_it_is_refused(
    running: Running, approver: Visitor, headers: dict[str, str], operation: str
) -> None:
    """Even with everything else right: the browser's word on the page decides."""
    made = proposed(running)
    fields = _form(approver, made)
    answer = approver.post(f"/console/proposals/{made['id']}/{operation}", fields, **headers)
    assert answer.status_code == 403
    assert _state(running, made) == "Proposed"
    assert _kept(running, made) == [("approver", operation, "Forbidden")]


@pytest.mark.parametrize("path", ["pause", "resume", "sign-out", "holds/none/lift"])
def test_no_switch_can_be_forged(running: Running, approver: Visitor, path: str) -> None:
    """Pause, resume, lift and sign-out want the same proof."""
    answer = approver.post(f"/console/{path}", {}, Origin="https://evil.example")
    assert answer.status_code == 403
    assert running.client("viewer").get("/v1/pause").json()["paused"] is False
    assert approver.get("/console").status_code == 200


def test_behind_a_proxy_that_renames_the_host_forms_still_work(
    running: Running, approver: Visitor
) -> None:
    """The name that the browser used comes along as X-Forwarded-Host."""
    made = proposed(running)
    answer = approver.post(
        f"/console/proposals/{made['id']}/reject",
        _form(approver, made),
        Origin="https://remedyd.example.com",
        X_Forwarded_Host="remedyd.example.com",
    )
    assert answer.status_code == 303
    assert _state(running, made) == "Rejected"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"csrf": "x"}', "application/json"),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded"),
        (b"&".join(b"a=1" for _ in range(500)), "application/x-www-form-urlencoded"),
    ],
    ids=["json", "no text", "very many"],
)
def test_a_body_that_is_no_form_is_refused(approver: Visitor, body: bytes, kind: str) -> None:
    """422, as a page."""
    headers = {"Content-Type": kind, "Origin": approver.url}
    answer = approver.http.post("/console/pause", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")
