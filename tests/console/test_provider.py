"""Sign in with an OpenID provider: code, PKCE, state, nonce; who may do what says the grant."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from remedyd.errors import IdentityUnavailable, Throttled, Unauthenticated
from remedyd.lab.world import Lab
from remedyd.server.console.provider import Provider
from remedyd.settings import OidcSettings
from support.chromium import chromium
from support.console import Visitor, parsed
from support.openid import SignIn, openid
from support.running import Running

if TYPE_CHECKING:
    import httpx2

pytest.importorskip("jwt", reason="the extra oidc is not installed")


@pytest.fixture(scope="module")
def provider() -> Iterator[SignIn]:
    """A provider whose people are Ann (an approver) and strangers."""
    with openid() as started:
        yield started


@pytest.fixture(scope="module")
def running(
    lab: Lab, provider: SignIn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A daemon that knows this provider."""
    home = tmp_path_factory.mktemp("daemon")
    grants = [{"from": "oidc", "user": "ann", "scopes": ["approver"]}]
    (home / "grants.yaml").write_text(yaml.safe_dump({"grants": grants}), encoding="utf-8")
    oidc = {
        "issuer": provider.url,
        "audience": "remedyd",
        "redirect_url": "http://127.0.0.1:1/console/sign-in/callback",
        "client_secret": provider.secret,
    }
    server: dict[str, Any] = {"tokens_file": home / "grants.yaml", "oidc": oidc}
    with Running(lab, home, server=server) as started:
        provider.back = f"{started.url}/console/sign-in/callback"
        yield started


@pytest.fixture(autouse=True)
def everything_in_order(provider: SignIn) -> Iterator[None]:
    """Each test begins with an honest provider and with Ann."""
    yield
    provider.user, provider.claims = "ann", {}


def _called_back(visitor: Visitor, provider: SignIn, wanted: str = "") -> "httpx2.Response":
    """Go to the provider and come back with its answer."""
    page = visitor.page(f"/console/sign-in?next={wanted}" if wanted else "/console/sign-in")
    link = next(a["href"] for a in page.all("a", class_="button"))
    sent = visitor.get(link)
    assert sent.status_code == 303, sent.text
    query = {k: v[0] for k, v in parse_qs(urlsplit(sent.headers["location"]).query).items()}
    return visitor.get(provider.authorize(query))


def test_who_is_known_there_and_granted_here_is_let_in(visitor: Visitor, provider: SignIn) -> None:
    """The page in between leads on to what was asked for."""
    answer = _called_back(visitor, provider, "/console/audits")
    assert answer.status_code == 200, answer.text
    assert parsed(answer.text).one("main").one("a")["href"] == "/console/audits"
    assert "oidc:ann" in visitor.page("/console/audits").one("header").text


def test_what_is_asked_of_the_provider(visitor: Visitor, provider: SignIn) -> None:
    """A code, by PKCE with SHA-256, for our client and our address, and openid."""
    sent = visitor.get("/console/sign-in/provider")
    where, query = sent.headers["location"].split("?")
    assert where == f"{provider.url}/authorize"
    asked = {k: v[0] for k, v in parse_qs(query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["client_id"] == "remedyd"
    assert asked["scope"].split()[0] == "openid"
    cookie = sent.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_who_has_no_grant_stays_outside(visitor: Visitor, provider: SignIn) -> None:
    """A user of the provider is nobody here without a grant."""
    provider.user = "eve"
    answer = _called_back(visitor, provider)
    assert answer.status_code == 403
    assert "no right here" in parsed(answer.text).one(role="alert").text
    assert visitor.get("/console").status_code == 303


def test_an_answer_to_another_sign_in_is_refused(visitor: Visitor, provider: SignIn) -> None:
    """Nobody can be made to sign in as someone else by a link."""
    begun = visitor.get("/console/sign-in/provider").headers["location"]
    query = {k: v[0] for k, v in parse_qs(urlsplit(begun).query).items()}
    link = provider.authorize(query)
    with Visitor(visitor.url) as victim:
        assert victim.get(link).status_code == 401
        victim.get("/console/sign-in/provider")
        assert victim.get(link).status_code == 401
        assert victim.get("/console").status_code == 303


@pytest.mark.parametrize(
    "claims", [{"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"iss": "https://x.y"}],
    ids=["nonce", "no nonce", "audience", "issuer"],
)  # fmt: skip
def test_a_token_made_for_something_else_is_refused(
    visitor: Visitor, provider: SignIn, claims: dict[str, Any]
) -> None:
    """Of another sign-in, client or provider."""
    provider.claims = claims
    assert _called_back(visitor, provider).status_code == 401
    assert visitor.get("/console").status_code == 303


def test_a_code_works_once(visitor: Visitor, provider: SignIn) -> None:
    """The link that signed in signs in nobody a second time."""
    begun = visitor.get("/console/sign-in/provider").headers["location"]
    query = {k: v[0] for k, v in parse_qs(urlsplit(begun).query).items()}
    link = provider.authorize(query)
    assert visitor.get(link).status_code == 200
    assert visitor.get(link).status_code == 401


def test_a_refusal_of_the_provider_is_told(visitor: Visitor) -> None:
    """Who does not consent is back at the form; the provider's words are not repeated."""
    begun = visitor.get("/console/sign-in/provider").headers["location"]
    state = parse_qs(urlsplit(begun).query)["state"][0]
    evil = "<b>access_denied"
    answer = visitor.get("/console/sign-in/callback", params={"state": state, "error": evil})
    assert answer.status_code == 401
    assert "did not sign you in" in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize("wanted", ["https://evil.example/console", "//evil.example", "/v1"])
def test_the_way_back_stays_in_the_console(visitor: Visitor, provider: SignIn, wanted: str) -> None:
    """An address of another site that came along is ignored."""
    sent = visitor.get("/console/sign-in/provider", params={"next": wanted})
    query = {k: v[0] for k, v in parse_qs(urlsplit(sent.headers["location"]).query).items()}
    answer = visitor.get(provider.authorize(query))
    assert parsed(answer.text).one("main").one("a")["href"] == "/console"


def test_signing_out_ends_it(visitor: Visitor, provider: SignIn) -> None:
    """As for who came with a token."""
    assert _called_back(visitor, provider).status_code == 200
    assert visitor.press(visitor.page("/console"), "Sign out").status_code == 303
    assert visitor.get("/console").status_code == 303


def test_nobody_is_sent_to_an_address_in_the_open() -> None:
    """One that only begins like this machine is another host's."""
    with openid() as fresh:
        document = fresh.documents["/.well-known/openid-configuration"]
        document["authorization_endpoint"] = "http://127.0.0.1:80@evil.example/authorize"
        settings = OidcSettings(issuer=fresh.url, audience="remedyd", redirect_url=fresh.url)
        with pytest.raises(IdentityUnavailable, match="not served by https"):
            Provider(settings).begin("")


def test_who_tries_without_end_keeps_no_other_from_signing_in() -> None:
    """Codes are exchanged so many times a minute for each address."""
    with openid() as fresh:
        made = Provider(OidcSettings(issuer=fresh.url, audience="remedyd", redirect_url=fresh.url))
        pending = {"verifier": "v"}
        with pytest.raises(Throttled):
            for _ in range(100):
                with pytest.raises(Unauthenticated) as refused:
                    made.finish("made up", pending, "10.0.0.1")
                if isinstance(refused.value, Throttled):
                    raise refused.value
        with pytest.raises(Unauthenticated, match="does not accept"):
            made.finish("made up", pending, "10.0.0.2")


def test_without_a_provider_there_is_no_such_way(lab: Lab, tmp_path: Any) -> None:
    """Neither a button nor an address."""
    with Running(lab, tmp_path) as plain, Visitor(plain.url) as someone:
        assert not someone.page("/console/sign-in").all("a", class_="button")
        assert someone.get("/console/sign-in/provider").status_code == 404


def test_in_a_browser_the_strict_cookie_comes_along(running: Running, provider: SignIn) -> None:
    """From another site and back: the visitor stands on the page that was asked for."""
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{running.url}/console/policies")
        page.click("a.button")
        page.wait_for_url("**/console/policies")
        assert "oidc:ann" in page.inner_text("header")
