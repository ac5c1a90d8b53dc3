"""Who may send a browser here: nobody, unless the settings name the page.

A page that rebinds its name to the daemon's address sends its own Origin with every POST, so an
Origin that is not listed is refused; the Host is checked as well where hosts are listed. By
default any Host will do: the daemon answers to Service names, ingresses and tunnels that it cannot
know, and no answer is given without a bearer token, which such a page does not have.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from remedyd.errors import Forbidden, RemedydError

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Misdirected(RemedydError):
    """The Host header names a host that this daemon is not known by."""


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins (`https://kibana.example.com`) and hosts (`remedyd.example.com`) let in."""

    origins: Collection[str] = ()
    hosts: Collection[str] = ()

    def check(self, origin: str, host: str) -> None:
        """Raise Forbidden for a strange Origin, Misdirected for a strange Host."""
        if origin and origin not in self.origins and not _loopback(origin, host):
            raise Forbidden(
                f"requests from pages of {origin[:200]} are not let in",
                hint="list the origin in REMEDYD_SERVER__ALLOWED_ORIGINS if that page is yours",
            )
        name = _name(host)
        if self.hosts and host not in self.hosts and name not in self.hosts:
            raise Misdirected(
                f"this daemon is not known as {host[:200] or 'nothing'}",
                hint="list the host in REMEDYD_SERVER__ALLOWED_HOSTS if it is its own",
            )


NO_PAGE: Final = Origins()
"""No web page, and any host."""


def _loopback(origin: str, host: str) -> bool:
    """Whether page and daemon are both on this machine, as with a local inspector."""
    try:
        return urlsplit(origin).hostname in _LOOPBACK and _name(host) in _LOOPBACK
    except ValueError:
        return False


def _name(host: str) -> str:
    """Return the Host header without its port; "" when it makes no sense."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
