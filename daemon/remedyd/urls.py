"""Which addresses a secret may be sent to: one rule for the settings and for what others tell us.

An address is read the way the HTTP client reads it, never by how it begins: behind
`http://127.0.0.1:80@` any host can follow.
"""

from typing import Final
from urllib.parse import urlsplit

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def local(url: str) -> bool:
    """Whether the host is this machine; False for what is no URL."""
    try:
        return urlsplit(url).hostname in _LOOPBACK
    except ValueError:
        return False


def secure(url: str) -> bool:
    """Whether nobody on the way can read or change it: https, or http to this machine.

    An address with a user in it is not: who reads it quickly takes the user for the host.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for one that is no number
    except ValueError:
        return False
    if not url.isprintable() or " " in url or "\\" in url:
        return False
    if not parts.hostname or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and local(url))
