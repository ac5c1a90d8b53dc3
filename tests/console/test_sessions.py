"""A session is signed, ends in time, and is no better than the token it was begun with."""

import base64
import json
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remedyd.errors import ConfigurationError, InvalidInput, Unauthenticated
from remedyd.model import ManualClock, Principal, Scope
from remedyd.server.console.ended import Ended
from remedyd.server.console.sessions import Sessions
from remedyd.server.tokens import hashed
from remedyd.settings import ServerSettings

START = datetime(2026, 11, 5, 12, tzinfo=UTC)
TOKEN = secrets.token_urlsafe(32)
KEY = secrets.token_bytes(32)
ALICE = Principal("alice", frozenset({Scope.APPROVER}))
SHOP = Principal(
    "system:serviceaccount:shop:bot",
    frozenset({Scope.VIEWER}),
    frozenset({"shop"}),
    within=frozenset({("cart", Scope.PROPOSER)}),
)


class Listed:
    """A tokens file of one token, which can be taken away."""

    def __init__(self, principal: Principal | None = ALICE) -> None:
        """Take who holds it."""
        self.principal = principal

    def __call__(self, recognises: Callable[[bytes], bool]) -> Principal | None:
        """Look for the token."""
        return self.principal if recognises(hashed(TOKEN)) else None


def a_room(listed: Listed | None = None, key: bytes = KEY) -> tuple[Sessions, ManualClock]:
    """Return sessions and their clock."""
    clock = ManualClock(START)
    holder = listed or (lambda recognises: None)
    return Sessions(key, clock=clock, holder=holder), clock


def test_a_listed_token_begins_a_session_of_its_holder() -> None:
    """What is read back is who has signed in, for eight hours."""
    sessions, _ = a_room(Listed())
    value, begun = sessions.begin(ALICE, TOKEN)
    assert sessions.read(value) == begun
    assert begun.principal == ALICE
    assert begun.expires == START + timedelta(hours=8)


def test_strangers_who_begin_to_sign_in_bring_no_ended_session_back() -> None:
    """However many do: what was signed out stays so until it would have been over."""
    sessions, _ = a_room(Listed())
    value, begun = sessions.begin(ALICE, TOKEN)
    sessions.end(begun)
    for _ in range(4100):
        sessions.unseal(sessions.seal({}))
    with pytest.raises(Unauthenticated, match="has ended"):
        sessions.read(value)


def test_the_cookie_holds_neither_token_nor_its_hash() -> None:
    """Whoever reads the cookie learns nothing that REST would take."""
    sessions, _ = a_room(Listed())
    value, _ = sessions.begin(ALICE, TOKEN)
    body = base64.urlsafe_b64decode(value.split(".")[0] + "==")
    assert TOKEN.encode() not in body
    assert hashed(TOKEN).hex().encode() not in body


def test_it_ends_in_time() -> None:
    """At the end it is over, to the second."""
    sessions, clock = a_room(Listed())
    value, begun = sessions.begin(ALICE, TOKEN)
    clock.current = begun.expires - timedelta(seconds=1)
    assert sessions.read(value).principal == ALICE
    clock.current = begun.expires
    with pytest.raises(Unauthenticated, match="has ended"):
        sessions.read(value)


def test_it_ends_with_its_token() -> None:
    """A token that was taken from the file ends its sessions at once."""
    listed = Listed()
    sessions, _ = a_room(listed)
    value, _ = sessions.begin(ALICE, TOKEN)
    listed.principal = None
    with pytest.raises(Unauthenticated, match="no longer valid"):
        sessions.read(value)


def test_scopes_are_those_of_now() -> None:
    """A scope that is taken away is gone with the next request."""
    listed = Listed()
    sessions, _ = a_room(listed)
    value, _ = sessions.begin(ALICE, TOKEN)
    listed.principal = Principal("alice", frozenset({Scope.VIEWER}))
    assert not sessions.read(value).principal.may(Scope.APPROVER)


def test_who_signs_out_is_out_everywhere() -> None:
    """A copy of the cookie is worth nothing after that; another session of the same token lives."""
    sessions, _ = a_room(Listed())
    value, begun = sessions.begin(ALICE, TOKEN)
    other, _ = sessions.begin(ALICE, TOKEN)
    sessions.end(begun)
    with pytest.raises(Unauthenticated):
        sessions.read(value)
    assert sessions.read(other).principal == ALICE


def test_who_was_vouched_for_stays_an_hour() -> None:
    """Nothing can be looked up again, so the cookie carries the rights, and not for long."""
    sessions, _ = a_room()
    value, begun = sessions.begin(SHOP, TOKEN)
    assert sessions.read(value).principal == SHOP
    assert begun.expires == START + timedelta(hours=1)


def test_no_session_outlives_the_jwt_it_was_begun_with() -> None:
    """The provider's own end comes first where it is nearer."""
    end = START + timedelta(minutes=5)
    claims = base64.urlsafe_b64encode(json.dumps({"exp": end.timestamp()}).encode()).decode()
    sessions, _ = a_room()
    _, begun = sessions.begin(SHOP, f"e30.{claims.rstrip('=')}.c2ln")
    assert begun.expires == end


def test_each_session_has_a_form_token_of_its_own() -> None:
    """One that was seen elsewhere does not fit; the same session always has the same."""
    sessions, _ = a_room(Listed())
    (one, first), (_, second) = sessions.begin(ALICE, TOKEN), sessions.begin(ALICE, TOKEN)
    assert first.csrf != second.csrf
    assert sessions.read(one).csrf == first.csrf


def test_replicas_with_one_key_read_each_others_cookies() -> None:
    """And those with another key do not."""
    value, _ = a_room(Listed())[0].begin(ALICE, TOKEN)
    assert a_room(Listed())[0].read(value).principal == ALICE
    with pytest.raises(Unauthenticated, match="not one of ours"):
        a_room(Listed(), b"")[0].read(value)


class Granted:
    """A provider's user Ann and a grant for her group, which can be taken away."""

    granted = True

    def named(self, token: str) -> tuple[str, tuple[str, ...]]:
        """Know every token as Ann's."""
        return "ann", ("sre",)

    def standing(self, user: str, groups: Sequence[str]) -> Principal | None:
        """Ask the grant."""
        known = self.granted and (user, list(groups)) == ("ann", ["sre"])
        return Principal("oidc:ann", frozenset({Scope.APPROVER})) if known else None


def test_a_users_grants_are_asked_at_every_request() -> None:
    """Who signed in at the provider is out with the next click after the grant was taken away."""
    granted = Granted()
    sessions = Sessions(KEY, clock=ManualClock(START), lasting=granted)
    value, begun = sessions.begin(Principal("oidc:ann", frozenset(Scope)), TOKEN)
    assert begun.expires == START + timedelta(hours=1)
    assert sessions.read(value).principal.scopes == {Scope.APPROVER}
    granted.granted = False
    with pytest.raises(Unauthenticated, match="no longer valid"):
        sessions.read(value)


@pytest.mark.parametrize(
    ("at_provider", "life"), [(False, timedelta(minutes=5)), (True, timedelta(hours=1))]
)
def test_an_id_token_is_a_receipt(at_provider: bool, life: timedelta) -> None:
    """It ends the session of whoever pasted it, not that of whoever signed in at the provider."""
    end = (START + timedelta(minutes=5)).timestamp()
    claims = base64.urlsafe_b64encode(json.dumps({"exp": end}).encode()).decode()
    sessions = Sessions(KEY, clock=ManualClock(START), lasting=Granted())
    token = f"e30.{claims.rstrip('=')}.c2ln"
    _, begun = sessions.begin(SHOP, token, at_provider=at_provider)
    assert begun.expires == START + life


def test_what_a_sign_in_waits_for_comes_back_once() -> None:
    """The second time it is over, and so it is after ten minutes; a session is no such thing."""
    sessions, clock = a_room()
    sealed, late = sessions.seal({"state": "s"}), sessions.seal({"state": "t"})
    assert sessions.unseal(sealed)["state"] == "s"
    with pytest.raises(Unauthenticated, match="over"):
        sessions.unseal(sealed)
    clock.current = START + timedelta(minutes=10)
    with pytest.raises(Unauthenticated, match="over"):
        sessions.unseal(late)
    with pytest.raises(Unauthenticated, match="not one of ours"):
        sessions.unseal(sessions.begin(SHOP, TOKEN)[0])


@given(st.data())
def test_one_changed_character_makes_it_nobodys(data: st.DataObject) -> None:
    """No part of the cookie can be changed, lengthened or cut."""
    sessions, _ = a_room()
    value, _ = sessions.begin(SHOP, TOKEN)
    at = data.draw(st.integers(0, len(value) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_.").filter(lambda c: c != value[at]))
    forged = value[:at] + other + value[at + 1 :]
    try:
        read = sessions.read(forged)
    except Unauthenticated:
        return
    assert read.principal == SHOP, "only the unused bits of the last character may differ"


@given(st.text(max_size=300))
def test_whatever_comes_as_a_cookie_is_refused(value: str) -> None:
    """Nothing but Unauthenticated, for any text."""
    with pytest.raises(Unauthenticated):
        a_room()[0].read(value)


def test_a_principal_of_very_many_namespaces_is_told_so() -> None:
    """A cookie has a size; better an answer than a browser that drops it."""
    many = frozenset(f"namespace-{number:05}" for number in range(400))
    with pytest.raises(InvalidInput, match="too many namespaces"):
        a_room()[0].begin(Principal("eve", frozenset({Scope.VIEWER}), many), TOKEN)


@pytest.mark.parametrize("key", ["short", "a" * 40], ids=["short", "repeating"])
def test_a_weak_key_stops_the_start(key: str) -> None:
    """A key that could be guessed signs nothing."""
    with pytest.raises(ConfigurationError, match="session key"):
        Sessions.configured(ServerSettings(session_key=key), lambda recognises: None)


class Shelf:
    """What replicas share."""

    def __init__(self) -> None:
        self.over: set[str] = set()
        self.asked = 0

    def add(self, session: str, until: datetime, now: datetime) -> None:
        self.over.add(session)

    def __contains__(self, session: str) -> bool:
        self.asked += 1
        return session in self.over


def a_replica(shelf: Shelf, passed: list[float]) -> Sessions:
    """Return the sessions of one of several replicas, with the time that has passed."""
    ended = Ended(shelf, lambda: passed[0])
    return Sessions(KEY, clock=ManualClock(START), holder=Listed(), ended=ended)


def test_who_signs_out_at_one_replica_is_out_at_the_others_in_seconds() -> None:
    """A copy of the cookie is good there for three seconds at most, and never again."""
    shelf, passed = Shelf(), [100.0]
    here, there = a_replica(shelf, passed), a_replica(shelf, passed)
    value, begun = here.begin(ALICE, TOKEN)
    assert there.read(value).principal == ALICE
    here.end(begun)
    with pytest.raises(Unauthenticated, match="has ended"):
        here.read(value)
    passed[0] += 3
    with pytest.raises(Unauthenticated, match="has ended"):
        there.read(value)
    shelf.over.clear()
    with pytest.raises(Unauthenticated, match="has ended"):
        there.read(value)


def test_a_busy_session_costs_one_look_in_three_seconds() -> None:
    """And a cookie that is over, or not ours, none at all."""
    shelf, passed = Shelf(), [100.0]
    sessions = a_replica(shelf, passed)
    value, _ = sessions.begin(ALICE, TOKEN)
    for _ in range(5):
        sessions.read(value)
        with pytest.raises(Unauthenticated):
            sessions.read(value[:-2])
        passed[0] += 0.5
    assert shelf.asked == 1


def test_a_sign_out_holds_after_a_restart() -> None:
    """With a lasting key the cookie is still ours, and still over."""
    shelf, passed = Shelf(), [100.0]
    before = a_replica(shelf, passed)
    value, begun = before.begin(ALICE, TOKEN)
    before.end(begun)
    with pytest.raises(Unauthenticated, match="has ended"):
        a_replica(shelf, passed).read(value)
