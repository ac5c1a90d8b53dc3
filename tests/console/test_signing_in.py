"""Sign in with a token, stay for a while, sign out; strangers see a form and nothing else."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from support.console import Visitor, buttons, parsed
from support.running import TOKENS, Running

PAGES = ("", "/history", "/audits", "/policies", "/controls", "/proposals/none", "/nowhere")


@pytest.mark.parametrize("path", PAGES)
def test_strangers_are_sent_to_the_form(visitor: Visitor, path: str) -> None:
    """Whatever they ask for, also what does not exist; the form leads back there."""
    answer = visitor.get(f"/console{path}?x=1")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/sign-in?next=%2Fconsole")


def test_a_token_opens_the_page_that_was_asked_for(visitor: Visitor) -> None:
    """Who came for a proposal is there after signing in."""
    form = visitor.page("/console/sign-in?next=%2Fconsole%2Faudits")
    answer = visitor.press(form, "Sign in", token=TOKENS["viewer"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/audits")
    assert visitor.get("/console/audits").status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/console",
        "//evil.example/console",
        "/\\evil.example",
        "/console/..//evil.example",
        "/consoleevil",
        "javascript:alert(1)",
        "/console\r\nSet-Cookie: a=b",
    ],
)
def test_signing_in_leads_nowhere_else(visitor: Visitor, wanted: str) -> None:
    """An address of another site in the form is ignored."""
    answer = visitor.sign_in("viewer", next=wanted)
    assert answer.headers["location"] == "/console"


def test_the_cookie_keeps_to_itself(visitor: Visitor) -> None:
    """HttpOnly, SameSite=Strict, with an end, without the token; Secure behind TLS."""
    plain = visitor.sign_in("viewer").headers["set-cookie"]
    told = plain.lower()
    assert "httponly" in told
    assert "samesite=strict" in told
    assert "expires=" in told
    assert TOKENS["viewer"] not in plain
    secure = visitor.post(
        "/console/sign-in", {"token": TOKENS["viewer"]}, X_Forwarded_Proto="https"
    ).headers["set-cookie"]
    assert secure.startswith("__Host-")
    assert "; secure" in secure.lower()


@pytest.mark.parametrize("token", ["wrong", "expired"])
def test_a_token_that_is_no_good_stays_outside(visitor: Visitor, token: str) -> None:
    """401 with the reason, no cookie, and never the token in the answer."""
    answer = visitor.sign_in(token)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert TOKENS[token] not in answer.text
    assert parsed(answer.text).one(role="alert").text


def test_failures_are_counted_as_for_rest(running: Running, visitor: Visitor) -> None:
    """After ten wrong ones within a minute the address is told to wait; a right one passes."""
    answers = [visitor.sign_in("wrong") for _ in range(12)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    assert visitor.sign_in("viewer").status_code == 303
    counted = running.client().get("/metrics").text
    assert "remedyd_authentication_failures" in counted


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_no_other_site_signs_anybody_in(visitor: Visitor, origin: str) -> None:
    """A form on another site cannot make the visitor someone else."""
    answer = visitor.post("/console/sign-in", {"token": TOKENS["viewer"]}, Origin=origin)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_signing_out_ends_the_session(approver: Visitor) -> None:
    """Also for a copy of the cookie."""
    copy = dict(approver.http.cookies)
    page = approver.page("/console")
    answer = approver.press(page, "Sign out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
    assert approver.get("/console").status_code == 303
    with Visitor(approver.url) as thief:
        thief.http.cookies.update(copy)
        assert thief.get("/console").status_code == 303


def test_the_cookie_opens_nothing_but_the_console(approver: Visitor) -> None:
    """REST and MCP want a bearer token, whatever cookies come along."""
    assert approver.get("/v1/proposals").status_code == 401
    assert approver.http.post("/mcp", json={}).status_code == 401


def test_a_bearer_token_opens_no_page(running: Running) -> None:
    """A browser's session is the only way to a page."""
    assert running.client("approver").get("/console").status_code == 303


def test_a_page_that_asks_for_itself_is_sent_to_the_form(visitor: Visitor) -> None:
    """htmx gets a redirect it understands, the event stream a plain 401."""
    fresh = visitor.get("/console", headers={"HX-Request": "true"})
    assert (fresh.status_code, fresh.headers["hx-redirect"]) == (401, "/console/sign-in")
    stream = visitor.get("/console/events", headers={"Accept": "text/event-stream"})
    assert stream.status_code == 401


def test_a_form_that_comes_after_the_end_says_that_nothing_was_done(visitor: Visitor) -> None:
    """Whoever pressed a button hours later is not left in doubt."""
    answer = visitor.post("/console/pause", {"reason": "late"})
    assert answer.status_code == 401
    assert "Nothing was done" in parsed(answer.text).one(role="alert").text
    assert buttons(parsed(answer.text)) == {"Sign in"}


@contextmanager
def forgetful(running: Running, *, readable: bool = False) -> Iterator[None]:
    """Let the store fail wherever it is asked about sign-outs, or told of one."""
    file = running.settings.database.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("ALTER TABLE sign_outs RENAME TO gone")
        if readable:
            connection.execute("CREATE VIEW sign_outs AS SELECT * FROM gone")
        try:
            yield
        finally:
            if readable:
                connection.execute("DROP VIEW sign_outs")
            connection.execute("ALTER TABLE gone RENAME TO sign_outs")


def test_who_cannot_be_looked_up_is_shown_nothing(running: Running, approver: Visitor) -> None:
    """A store that fails cannot say who signed out elsewhere: 503, with what to do."""
    with forgetful(running):
        answer = approver.get("/console")
        assert answer.status_code == 503
        assert "could not be read" in parsed(answer.text).text
    assert approver.get("/console").status_code == 200


def test_a_sign_out_that_others_are_not_told_of_says_so(
    running: Running, approver: Visitor
) -> None:
    """Here it holds all the same, and the browser loses its cookie."""
    copy = dict(approver.http.cookies)
    page = approver.page("/console")
    with forgetful(running, readable=True):
        answer = approver.press(page, "Sign out")
        assert answer.status_code == 503
        assert "other replicas may take a copy" in parsed(answer.text).text
    assert not approver.http.cookies
    with Visitor(approver.url) as thief:
        thief.http.cookies.update(copy)
        assert thief.get("/console").status_code == 303
