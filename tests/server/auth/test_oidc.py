"""A token of the OpenID provider opens the door only if every part of it is right."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from pydantic import SecretStr, ValidationError

from remedyd.cluster.access import Reviewer
from remedyd.errors import ConfigurationError, Forbidden, IdentityUnavailable, Unauthenticated
from remedyd.model import ManualClock, Scope, monotonic
from remedyd.server.auth import Authenticator
from remedyd.server.callers import authenticator
from remedyd.server.discovery import Discovery
from remedyd.server.oidc import OidcTokens
from remedyd.server.tokens import read
from remedyd.settings import OidcSettings, ServerSettings
from support.identities import AUDIENCE, Provider, a_key, provider
from support.wire import Answer

GRANTS = """
grants:
  - {from: oidc, group: sre, scopes: [viewer]}
  - {from: oidc, user: ann, scopes: [approver], namespaces: [shop]}
"""


@pytest.fixture(scope="module")
def issuer() -> Iterator[Provider]:
    """Serve a provider."""
    with provider() as found:
        yield found


def _now() -> datetime:
    """Return the machine's time: the library that checks tokens goes by it."""
    return datetime.now(UTC)


def _known(issuer: Provider, clock: ManualClock | None = None, **oidc: Any) -> Authenticator:
    def nobody() -> Reviewer:
        raise AssertionError("the API server was asked")

    settings = ServerSettings(
        tokens=SecretStr(GRANTS),
        oidc={"issuer": issuer.url, "audience": AUDIENCE, **oidc},
    )
    return authenticator(settings, clock or ManualClock(_now()), nobody)


def test_a_good_token_names_its_holder(issuer: Provider) -> None:
    """Name and groups of the token lead to the grants; the name says where it comes from."""
    found = _known(issuer).authenticate(issuer.token(_now()))
    assert found.name == "oidc:ann"
    assert found.may(Scope.APPROVER, "shop")
    assert not found.may(Scope.APPROVER, "other")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": None},
        {"exp": None},
        {"sub": None},
        {"sub": ""},
        {"iat": None},
        {"iat": datetime(2099, 1, 1, tzinfo=UTC)},
        {"nbf": datetime(2099, 1, 1, tzinfo=UTC)},
        {"exp": datetime(2020, 1, 1, tzinfo=UTC)},
        {"iss": "https://id.example.com"},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(issuer: Provider, claims: dict[str, Any]) -> None:
    """Issuer, audience, subject, time of issue and expiry must be there and be right."""
    with pytest.raises(Unauthenticated):
        _known(issuer).authenticate(issuer.token(_now(), **claims))


def test_a_signature_by_another_key_is_refused(issuer: Provider) -> None:
    """Naming a published key does not help who does not hold it."""
    stranger = Provider(issuer.url, {"first": a_key()})
    with pytest.raises(Unauthenticated):
        _known(issuer).authenticate(stranger.token(_now()))


def test_no_signature_and_symmetric_ones_are_refused(issuer: Provider) -> None:
    """Neither `none` nor the public key misused as a shared secret is a signature."""
    known, claims = _known(issuer), jwt.decode(issuer.token(_now()), options=_UNCHECKED)
    public = issuer.keys["first"].public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for algorithm, signature in (("none", b""), ("HS256", _hmac(pem))):
        head = {"alg": algorithm, "kid": "first", "typ": "JWT"}
        text = ".".join([_b64(json.dumps(part).encode()) for part in (head, claims)])
        with pytest.raises(Unauthenticated):
            known.authenticate(f"{text}.{_b64(signature) or 'x'}")


_UNCHECKED: Any = {"verify_signature": False}


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _hmac(key: bytes) -> bytes:
    return b"signed with " + key[:20]


def test_a_user_without_a_grant_is_forbidden(issuer: Provider) -> None:
    """Being known to the provider is not yet a right."""
    with pytest.raises(Forbidden, match="oidc:eve has no right here"):
        _known(issuer).authenticate(issuer.token(_now(), sub="eve", groups=["dev"]))


def test_no_user_becomes_the_daemon_itself(issuer: Provider) -> None:
    """A name by which the daemon acts on its own cannot be taken, even without a prefix."""
    known = _known(issuer, username_prefix="")
    with pytest.raises(Unauthenticated, match="daemon's own"):
        known.authenticate(issuer.token(_now(), sub="remedyd:auto"))


def test_an_unverified_address_is_nobodys(issuer: Provider) -> None:
    """Where users go by e-mail the provider must have checked it."""
    known = _known(issuer, username_claim="email")
    with pytest.raises(Unauthenticated, match="not verified"):
        known.authenticate(issuer.token(_now(), email="ann"))
    good = issuer.token(_now(), email="ann", email_verified=True)
    assert known.authenticate(good).name == "oidc:ann"


def test_a_new_key_is_fetched_when_a_token_names_it() -> None:
    """A provider may rotate its keys while the daemon runs."""
    with provider() as issuer:
        settings = OidcSettings(issuer=issuer.url, audience=AUDIENCE)
        grants = read(None, GRANTS, others=True).grants
        tokens = OidcTokens(settings, lambda: grants, cooldown_seconds=0)
        tokens.identify(issuer.token(_now()))
        issuer.keys["second"] = a_key()
        issuer.publish()
        assert tokens.identify(issuer.token(_now(), key="second")).name == "oidc:ann"


def test_a_silent_provider_lets_nobody_in() -> None:
    """Without keys there is no answer, neither yes nor no."""
    with provider() as issuer:
        issuer.documents.clear()
        with pytest.raises(IdentityUnavailable, match="gives no keys"):
            _known(issuer).authenticate(issuer.token(_now()))


@pytest.mark.parametrize(
    "answer",
    [Answer(body=b"<html>"), Answer(body=b"[]"), Answer(503), Answer(cut=0), Answer(cut=1)],
    ids=["no JSON", "no object", "503", "no answer", "half an answer"],
)
def test_a_provider_whose_keys_make_no_sense_lets_nobody_in(answer: Answer) -> None:
    """It is no fault of the token, and no bug: the provider is named."""
    with provider() as issuer:
        issuer.documents["/keys"] = answer
        with pytest.raises(IdentityUnavailable, match="gives no keys"):
            _known(issuer).authenticate(issuer.token(_now()))


def test_a_provider_that_does_not_answer_is_left_alone_for_a_moment() -> None:
    """Else every caller with a token of its held a thread until the time limit."""
    ticks = [0.0]
    with provider() as issuer:
        well_known = "/.well-known/openid-configuration"
        good = issuer.documents[well_known]
        issuer.documents[well_known] = Answer(cut=0)
        settings = OidcSettings(issuer=issuer.url, audience=AUDIENCE)
        found = Discovery(settings, "gives no keys", "", ticks=lambda: ticks[0])
        for _ in range(2):
            with pytest.raises(IdentityUnavailable):
                found.endpoint("jwks_uri")
            issuer.documents[well_known] = good
        ticks[0] = 6.0
        assert found.endpoint("jwks_uri") == f"{issuer.url}/keys"


def test_a_provider_that_drips_its_headers_holds_nobody() -> None:
    """Each byte comes in time, the whole answer does not."""
    with provider() as issuer:
        issuer.documents["/.well-known/openid-configuration"] = Answer(head=0.02)
        settings = OidcSettings(issuer=issuer.url, audience=AUDIENCE)
        found = Discovery(settings, "gives no keys", "", seconds=0.3)
        begun = monotonic()
        with pytest.raises(IdentityUnavailable, match=r"timed out|too slowly"):
            found.endpoint("jwks_uri")
    assert monotonic() - begun < 2


def test_another_issuers_discovery_is_not_believed() -> None:
    """A discovery document must be about the issuer that was asked."""
    with provider() as issuer:
        found = issuer.documents["/.well-known/openid-configuration"]
        issuer.documents["/.well-known/openid-configuration"] = {**found, "issuer": "https://x"}
        with pytest.raises(IdentityUnavailable, match="another issuer"):
            _known(issuer).authenticate(issuer.token(_now()))


def test_keys_in_the_open_are_not_fetched() -> None:
    """An address that only begins like this machine is another host's."""
    with provider() as issuer:
        found = issuer.documents["/.well-known/openid-configuration"]
        port = issuer.url.rpartition(":")[2]
        found["jwks_uri"] = f"http://127.0.0.1:{port}@evil.example/keys"
        with pytest.raises(IdentityUnavailable, match="not served by https"):
            _known(issuer).authenticate(issuer.token(_now()))


def test_a_redirect_leads_nowhere() -> None:
    """The address that was checked is the one that is asked."""
    with provider() as issuer:
        well_known = "/.well-known/openid-configuration"
        issuer.documents["/elsewhere"] = issuer.documents.pop(well_known)
        issuer.moved[well_known] = f"{issuer.url}/elsewhere"
        with pytest.raises(IdentityUnavailable, match="302 for /"):
            _known(issuer).authenticate(issuer.token(_now()))


def test_a_remembered_yes_ends_with_the_token(issuer: Provider) -> None:
    """However fresh the answer, an expired token is refused."""
    clock = ManualClock(_now())
    known, token = _known(issuer, clock), issuer.token(_now())
    known.authenticate(token)
    clock.advance(timedelta(minutes=6))
    with pytest.raises(Unauthenticated, match="expired"):
        known.authenticate(token)


@pytest.mark.parametrize(
    ("oidc", "message"),
    [
        ({"issuer": "https://id.example.com"}, "needs an audience"),
        ({"issuer": "http://id.example.com", "audience": "a"}, "must be an https URL"),
        ({"issuer": "https://i", "audience": "a", "jwks_url": "http://i/keys"}, "https URL"),
        ({"issuer": "http://127.0.0.1:80@evil.example", "audience": "a"}, "https URL"),
        ({"issuer": "https://i:port", "audience": "a"}, "https URL"),
        ({"issuer": "https://i", "audience": "a", "algorithms": ["HS256"]}, "algorithms"),
        ({"issuer": "https://i", "audience": "a", "algorithms": []}, "algorithms"),
    ],
)
def test_a_weak_configuration_is_refused(oidc: dict[str, Any], message: str) -> None:
    """What would accept too much stops the start."""
    with pytest.raises(ValidationError, match=message):
        ServerSettings.model_validate({"oidc": oidc})


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used_stops_the_start(
    issuer: Provider, content: str | None, tmp_path: Path
) -> None:
    """With its name."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"ca\.pem of the identity provider"):
        _known(issuer, ca_file=file)


def test_a_provider_without_grants_is_refused() -> None:
    """An issuer whose users could do nothing is a mistake, told at the start."""
    settings = ServerSettings.model_validate(
        {"oidc": {"issuer": "https://id.example.com", "audience": "a"}}
    )
    with pytest.raises(ConfigurationError, match="no grant says"):
        authenticator(settings, ManualClock(_now()), lambda: None)  # type: ignore[arg-type,return-value]


def test_a_user_is_known_again_without_the_token(issuer: Provider) -> None:
    """By name and granted groups, under the grants of now; a foreign token is nobody's."""
    known = _known(issuer)
    token = issuer.token(_now(), groups=["sre", "of no interest"])
    lasting = known.lasting
    assert lasting is not None
    assert lasting.named(token) == ("ann", ("sre",))
    assert lasting.standing("ann", ("sre",)) == known.authenticate(token)
    assert lasting.standing("bob", ()) is None
    assert lasting.named(issuer.token(_now(), iss="https://id.example.com")) is None
    assert lasting.named("x" * 40) is None
