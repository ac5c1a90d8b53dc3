"""Over HTTP a missing, wrong or too often wrong token is problem details, never an entrance."""

import asyncio
import secrets
from datetime import UTC, datetime
from typing import Any, cast

import httpx2
import pytest

from remedyd.model import ManualClock, Principal, Scope
from remedyd.observability.metrics import Metrics
from remedyd.server.asgi import create
from remedyd.server.auth import Authenticator
from remedyd.server.context import Context
from remedyd.server.tokens import Token, hashed
from remedyd.service import Service

TOKEN = secrets.token_urlsafe(32)
VIEWER = Principal("vic", frozenset({Scope.VIEWER}))


class _NoAudits:
    def audits(self, principal: Principal) -> list[object]:
        """Return an empty list to whoever gets this far."""
        assert principal == VIEWER
        return []


@pytest.fixture
def app() -> Any:
    """Return the application with one known token and three failures a minute."""
    clock = ManualClock(datetime(2026, 11, 5, 12, tzinfo=UTC))
    known = Authenticator(lambda: [Token(hashed(TOKEN), VIEWER)], clock, failures=3)
    service = cast(Service, _NoAudits())
    return create(Context(service, known.authenticate, Metrics(), "prod"))


def _get(app: Any, *headers: str | None) -> list[httpx2.Response]:
    async def run() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            return [
                await client.get("/v1/audits", headers={"Authorization": h} if h else {})
                for h in headers
            ]

    return asyncio.run(run())


def test_a_known_token_is_let_in(app: Any) -> None:
    """The scheme's name is not case sensitive, the token is."""
    assert [r.status_code for r in _get(app, f"Bearer {TOKEN}", f"bearer {TOKEN}")] == [200, 200]


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", f"Basic {TOKEN}", TOKEN, "Bearer wrong"],
    ids=["none", "empty", "scheme-only", "other-scheme", "bare-token", "wrong-token"],
)
def test_without_a_valid_token_it_is_401(app: Any, header: str | None) -> None:
    """The answer names the scheme and the next step, not the token."""
    (answer,) = _get(app, header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["hint"]
    assert TOKEN not in answer.text


def test_guessing_is_told_to_wait(app: Any) -> None:
    """After a few wrong tokens the answer is 429 with Retry-After; a right one still passes."""
    answers = _get(app, *["Bearer wrong"] * 4, f"Bearer {TOKEN}")
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 200]
    assert answers[3].headers["Retry-After"] == "60"
