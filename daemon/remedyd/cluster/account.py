"""The pod's own ServiceAccount: its token and the cluster's CA, as the kubelet renews them.

The official client reads the token again once a minute by the machine's clock, fails the request
when the file is not usable at that moment, and keeps the CA of the start where it holds it itself.
Here both follow their files: the next request has them.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kubernetes.client import ApiClient, Configuration
from kubernetes.config.incluster_config import InClusterConfigLoader

from remedyd.errors import ConfigurationError
from remedyd.rotation import Rotating
from remedyd.settings import secret_in
from remedyd.urls import trust

MOUNTED: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are, and whom we trust to be the API server."""

    token: str = field(repr=False)
    ca: str


class ServiceAccount:
    """A configuration that follows a mounted ServiceAccount."""

    def __init__(self, configuration: Configuration, mounted: Path) -> None:
        """Configure for the API server of this pod.

        Raises ConfigException, OSError or ConfigurationError where there is no account.
        """
        token, ca = mounted / "token", mounted / "ca.crt"
        kind: Any = InClusterConfigLoader
        kind(str(token), str(ca), try_refresh_token=False).load_and_set(configuration)
        self.held = Rotating("kubernetes", (token, ca), lambda: _account(token, ca))
        self._pools: Any = None
        self._used: Account | None = None
        configuration.ssl_ca_cert = None  # by its content: what is read must not change
        configuration.ca_cert_data = self.held.current().ca
        configuration.refresh_api_key_hook = self._renew  # type: ignore[assignment]

    def follow(self, client: ApiClient) -> None:
        """Keep a client's connections in step as well."""
        self._pools = client.rest_client.pool_manager

    def _renew(self, configuration: Configuration) -> None:
        account = self.held.current()
        if account is self._used:
            return
        configuration.api_key["BearerToken"] = f"Bearer {account.token}"
        if self._pools is not None:
            # part of what tells pools apart: requests go to a new one, the old one runs dry
            self._pools.connection_pool_kw["ca_cert_data"] = account.ca
        self._used = account


def _account(token: Path, ca: Path) -> Account:
    """Return what the files hold; raise ConfigurationError for what cannot be used."""
    held = secret_in(token)
    if not held.isascii() or not held.isprintable() or " " in held:
        raise ConfigurationError(
            f"the token in {token} is no token", hint="it is the kubelet that writes it"
        )
    trust(ca, "the API server")
    return Account(held, ca.read_text(encoding="utf-8"))
