"""Who holds a known token is let in under its name; nobody else is."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from remedyd.cluster.access import Reviewer
from remedyd.errors import ConfigurationError, Throttled, Unauthenticated
from remedyd.model import ManualClock, Principal, Scope
from remedyd.server.auth import Authenticator, Failures
from remedyd.server.callers import authenticator
from remedyd.server.tokens import Token, hashed
from remedyd.settings import ServerSettings

START = datetime(2026, 11, 5, 12, tzinfo=UTC)
OLD, NEW, LATE = (secrets.token_urlsafe(32) for _ in range(3))
ALICE = Principal("alice", frozenset({Scope.APPROVER}))
BOB = Principal("bob", frozenset({Scope.VIEWER}), frozenset({"shop"}))


class Source:
    """Tokens that can be exchanged while the daemon runs."""

    def __init__(self, *tokens: Token) -> None:
        """Take the first tokens."""
        self.tokens: Sequence[Token] = tokens

    def __call__(self) -> Sequence[Token]:
        """Return the tokens of now."""
        return self.tokens


def _configured(clock: ManualClock, **settings: Any) -> Authenticator:
    def nobody() -> Reviewer:
        raise AssertionError("the API server was asked")

    return authenticator(ServerSettings(**settings), clock, nobody)


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that moves when told."""
    return ManualClock(START)


@pytest.fixture
def source() -> Source:
    """Return two good tokens of Alice, and one of Bob that ends in an hour."""
    return Source(
        Token(hashed(OLD), ALICE),
        Token(hashed(NEW), ALICE),
        Token(hashed(LATE), BOB, START + timedelta(hours=1)),
    )


@pytest.fixture
def known(source: Source, clock: ManualClock) -> Authenticator:
    """Return an authenticator over these tokens that answers three failures a minute."""
    return Authenticator(source, clock, failures=3)


def test_each_valid_token_names_its_holder(known: Authenticator) -> None:
    """During a rotation the old and the new token are the same principal."""
    assert known.authenticate(OLD) == ALICE
    assert known.authenticate(NEW) == ALICE
    assert known.authenticate(LATE) == BOB


@pytest.mark.parametrize(
    "token",
    ["", " ", OLD[:-1], OLD + "x", OLD.swapcase(), "x" * 100_000, "\ud800", hashed(OLD).hex()],
    ids=["empty", "blank", "shorter", "longer", "other-case", "huge", "surrogate", "hash"],
)
def test_anything_else_is_nobody(known: Authenticator, token: str) -> None:
    """A near miss, an empty, a huge, an odd token, or a hash itself is refused alike."""
    assert known.listed(token) is None
    with pytest.raises(Unauthenticated, match="is not known"):
        known.authenticate(token)


def test_a_token_ends_at_its_expiry(known: Authenticator, clock: ManualClock) -> None:
    """Until its expiry a token is good, from then on it is not, and its holder learns why."""
    clock.advance(timedelta(hours=1) - timedelta(microseconds=1))
    assert known.authenticate(LATE) == known.listed(LATE) == BOB
    clock.advance(timedelta(microseconds=1))
    assert known.listed(LATE) is None
    with pytest.raises(Unauthenticated, match="of bob expired at 2026-11-05 13:00:00Z"):
        known.authenticate(LATE)


def test_a_revoked_token_ends_with_the_reload(known: Authenticator, source: Source) -> None:
    """After a reload only the tokens listed then are good."""
    source.tokens = source.tokens[1:]
    assert known.reload() == 2
    assert known.authenticate(NEW) == ALICE
    with pytest.raises(Unauthenticated):
        known.authenticate(OLD)


def test_a_bad_reload_keeps_the_old_tokens(
    known: Authenticator, source: Source, clock: ManualClock
) -> None:
    """If the new list cannot be used, who could call still can."""
    clock.advance(timedelta(hours=2))
    source.tokens = source.tokens[2:]
    with pytest.raises(ConfigurationError, match="every bearer token has expired"):
        known.reload()
    assert known.authenticate(OLD) == ALICE


def test_only_expired_tokens_do_not_start(clock: ManualClock) -> None:
    """A daemon that nobody could call refuses to start."""
    with pytest.raises(ConfigurationError, match="expired"):
        Authenticator(Source(Token(hashed(OLD), ALICE, START)), clock)


def _fail(known: Authenticator, source: str) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as refused:
        known.authenticate("wrong", source)
    return refused.value


def test_too_many_failures_are_told_to_wait(known: Authenticator, clock: ManualClock) -> None:
    """After three failures within a minute the fourth is throttled, with the time to wait."""
    for _ in range(3):
        assert not isinstance(_fail(known, "10.0.0.1"), Throttled)
    clock.advance(timedelta(seconds=20))
    refused = _fail(known, "10.0.0.1")
    assert isinstance(refused, Throttled)
    assert refused.retry_after == 40
    assert "wait 40 s" in refused.message


def test_sources_are_counted_apart(known: Authenticator) -> None:
    """Who guesses from one address does not throttle another."""
    for _ in range(4):
        _fail(known, "10.0.0.1")
    assert not isinstance(_fail(known, "10.0.0.2"), Throttled)


def test_a_pause_ends_the_throttling(known: Authenticator, clock: ManualClock) -> None:
    """After a minute without failures, the count begins anew."""
    for _ in range(4):
        _fail(known, "10.0.0.1")
    clock.advance(timedelta(minutes=1))
    assert not isinstance(_fail(known, "10.0.0.1"), Throttled)


def test_a_right_token_passes_amid_guesses(known: Authenticator) -> None:
    """Guessing from a shared address does not lock out who knows a token."""
    for _ in range(50):
        _fail(known, "proxy")
    assert known.authenticate(OLD, "proxy") == ALICE


def test_expired_tokens_count_as_failures(known: Authenticator, clock: ManualClock) -> None:
    """A client that keeps sending its expired token is throttled too."""
    clock.advance(timedelta(hours=1))
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            known.authenticate(LATE, "10.0.0.1")
    with pytest.raises(Throttled):
        known.authenticate(LATE, "10.0.0.1")


def test_the_settings_name_file_and_inline(tmp_path: Path, clock: ManualClock) -> None:
    """The server's settings lead to the tokens, from a file and from the environment."""
    file = tmp_path / "tokens.yaml"
    file.write_text(f'tokens: [{{name: alice, scopes: [approver], token: "{OLD}"}}]')
    inline = SecretStr(f'tokens: [{{name: bob, scopes: [viewer], token: "{NEW}"}}]')
    known = _configured(clock, tokens_file=file, tokens=inline)
    assert known.authenticate(OLD).name == "alice"
    assert known.authenticate(NEW).name == "bob"


def test_no_settings_no_start(clock: ManualClock) -> None:
    """Without any token configured there is no authenticator, hence no daemon."""
    with pytest.raises(ConfigurationError, match="no bearer token is configured"):
        _configured(clock)


def _crowd(failures: Failures, count: int) -> None:
    for n in range(count):
        failures.add(f"10.1.{n // 256}.{n % 256}", START)


def test_only_so_many_sources_are_remembered() -> None:
    """A crowd of addresses cannot fill the memory: the one unseen for longest is forgotten."""
    failures = Failures(1, timedelta(minutes=1))
    failures.add("first", START)
    _crowd(failures, 1023)
    assert failures.add("first", START) == timedelta(minutes=1)
    _crowd(failures, 1023)
    assert failures.add("first", START) == timedelta(minutes=1)
    _crowd(failures, 1024)
    assert failures.add("first", START) == timedelta(0)


def test_a_failure_counts_for_exactly_its_period() -> None:
    """The wait shrinks with the oldest failure's age and ends when that has passed."""
    failures = Failures(1, timedelta(minutes=1))
    failures.add("a", START)
    assert failures.add("a", START + timedelta(seconds=59)) == timedelta(seconds=1)
    assert failures.add("b", START) == timedelta(0)
    assert failures.add("b", START + timedelta(minutes=1)) == timedelta(0)
