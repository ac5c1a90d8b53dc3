"""Which addresses a secret may be sent to, and whom to trust there: one rule for all.

An address is read the way the HTTP client reads it, never by how it begins: behind
`http://127.0.0.1:80@` any host can follow.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from remedyd.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl

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


def trust(ca: Path | None, whose: str) -> "ssl.SSLContext":
    """Return what verifies certificates: by this file, or by the system's own for None.

    Raises ConfigurationError, with `whose` file it is, for one that cannot be used.
    """
    import ssl  # the settings need none

    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # not there, or no certificate
        raise ConfigurationError(
            f"the CA file {ca} of {whose} cannot be used: {error.strerror or error}",
            hint="name a file of certificates in PEM",
        ) from error
