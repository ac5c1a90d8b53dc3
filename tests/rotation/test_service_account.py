"""The pod's own token and CA are renewed by the kubelet, and used."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from remedyd.cluster.client import Cluster
from remedyd.errors import ConfigurationError
from support.certificates import Authority
from support.configmap import Mounted
from support.wire import Wire, serving, told

OLD, NEW = Authority("old"), Authority("new")


class Pod:
    """An API server, and the account by which a pod reaches it."""

    def __init__(self, wire: Wire, tls: ssl.SSLContext, home: Path) -> None:
        folder = home / "serviceaccount"
        self.wire = wire
        self._tls = tls
        self._home = home
        self.mounted = Mounted(folder, {"token": "first", "ca.crt": OLD.pem})
        self.cluster = Cluster.connect(mounted=folder, timeout_seconds=5)

    def renew(self, token: str, ca: str = OLD.pem) -> None:
        self.mounted.publish({"token": token, "ca.crt": ca})

    def sign(self, authority: Authority) -> None:
        """Give the server a certificate by another authority."""
        authority.server(self._home / "tls")
        self._tls.load_cert_chain(self._home / "tls" / "server.pem")

    def shown(self) -> str:
        """Return the credentials of one request."""
        self.cluster.version()
        return self.wire.asked[-1].headers["Authorization"]


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pod]:
    answer = replace(told(200, {"gitVersion": "v1.36.0"}), headers={"Connection": "close"})
    tls = OLD.server(tmp_path / "tls")
    with serving(lambda _: answer, tls) as wire:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(urlsplit(wire.url).port))
        made = Pod(wire, tls, tmp_path)
        yield made
        made.cluster.close()


def test_the_next_request_has_the_renewed_token(pod: Pod) -> None:
    """At once, and from every copy of the connection."""
    assert pod.shown() == "Bearer first"
    hurried = pod.cluster.hurried(3)
    pod.renew("second")
    assert pod.shown() == "Bearer second"
    hurried.version()
    assert pod.wire.asked[-1].headers["Authorization"] == "Bearer second"


@pytest.mark.parametrize("token", ["", "two words", "two\nlines"])
def test_a_token_that_is_none_changes_nothing(pod: Pod, token: str) -> None:
    """The one before is good for a while yet."""
    pod.renew(token)
    assert pod.shown() == "Bearer first"
    assert pod.cluster.account is not None
    assert pod.cluster.account.trouble


def test_a_ca_that_is_none_changes_nothing(pod: Pod) -> None:
    """Nor does the token beside it: what cannot be read may be half of something."""
    pod.renew("second", "")
    assert pod.shown() == "Bearer first"


def test_a_renewed_ca_is_trusted(pod: Pod) -> None:
    """The API server shows its new certificate, which the CA of the start did not sign."""
    assert pod.shown() == "Bearer first"
    pod.renew("second", OLD.pem + NEW.pem)
    assert pod.shown() == "Bearer second"
    pod.sign(NEW)
    assert pod.shown() == "Bearer second"


def test_without_an_account_there_is_no_start(pod: Pod, tmp_path: Path) -> None:
    """It says where it was looked for."""
    with pytest.raises(ConfigurationError, match="the pod's ServiceAccount"):
        Cluster.connect(mounted=tmp_path / "nowhere")
