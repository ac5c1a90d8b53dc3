"""The CA of the identity provider, and our secret there, are exchanged while people sign in."""

from dataclasses import replace
from pathlib import Path

from remedyd.errors import Unauthenticated
from remedyd.server.console.provider import Provider
from remedyd.server.discovery import Discovery
from remedyd.settings import OidcSettings
from support.certificates import Authority
from support.openid import openid
from support.wire import Answer, Asked, serving, told

OLD, NEW = Authority("old"), Authority("new")


def test_a_rotated_ca_is_trusted_and_a_wrong_one_is_not(tmp_path: Path) -> None:
    """One that did not sign what the provider shows does not replace one that did."""
    ca = tmp_path / "ca.crt"
    ca.write_text(OLD.pem)

    def answer(_: Asked) -> Answer:
        return replace(told(200, {"keys": []}), headers={"Connection": "close"})

    tls = OLD.server(tmp_path / "tls")
    with serving(answer, tls) as wire:
        settings = OidcSettings(issuer=wire.url, audience="remedyd", ca_file=ca)
        found = Discovery(settings, "gives no keys", "")
        assert found.document(wire.url)
        for content in ("", NEW.pem):
            ca.write_text(content)
            assert found.document(wire.url), content
            assert found.held.trouble, content
        assert "does not vouch" in found.held.trouble
        ca.write_text(OLD.pem + NEW.pem)
        assert found.document(wire.url)
        assert found.held.trouble == ""
        NEW.server(tmp_path / "tls")
        tls.load_cert_chain(tmp_path / "tls" / "server.pem")
        assert found.document(wire.url)


def test_the_next_sign_in_has_the_rotated_secret(tmp_path: Path) -> None:
    """And an empty file does not make us a client without one."""
    file = tmp_path / "client-secret"
    file.write_text("wrong")
    with openid() as provider:
        settings = OidcSettings(
            issuer=provider.url,
            audience="remedyd",
            redirect_url=f"{provider.url}/back",
            client_secret_file=file,
        )
        console = Provider(settings)

        def signs_in() -> bool:
            url, pending = console.begin("/")
            query = dict(part.split("=", 1) for part in url.partition("?")[2].split("&"))
            back = provider.authorize(query)
            code = back.partition("code=")[2].partition("&")[0]
            try:
                return bool(console.finish(code, pending))
            except Unauthenticated:
                return False

        assert not signs_in()
        file.write_text(provider.secret)
        assert signs_in()
        file.write_text("")
        assert signs_in()
