"""Which daemon the command line speaks to, and as whom.

    # ~/.config/remedyd/contexts.yaml
    current: prod
    contexts:
      prod: {url: https://remedyd.example.com, token_file: ~/.remedyd/prod.token, ca: ~/ca.pem}

A flag outweighs the environment, the environment the file. A token goes only where it belongs: an
address from a flag or the environment never gets the token of a context in the file.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import Field

from remedyd import documents
from remedyd.cli.chosen import Chosen, chosen
from remedyd.documents import Model
from remedyd.errors import ConfigurationError, InvalidInput

LOCAL: Final = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the daemon is, and how to prove who asks; `ca` is None for the system's own."""

    url: str
    token: str
    ca: Path | None = None
    name: str = ""


class _Entry(Model):
    url: str
    token_file: str = Field("", alias="token_file")  # as in the settings, not as in policies
    ca: str = ""


class _File(Model):
    current: str = ""
    contexts: dict[str, _Entry]


def path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the contexts file is."""
    if named := environment.get("REMEDYD_CONTEXTS"):
        return Path(named)
    base = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "remedyd" / "contexts.yaml"


def names() -> tuple[str, dict[str, str]]:
    """Return the current context and the URL of each; raise InvalidInput for a bad file."""
    found = _read(path())
    return found.current, {name: entry.url for name, entry in found.contexts.items()}


def connection(
    flags: Chosen | None = None, environment: Mapping[str, str] = os.environ
) -> Connection:
    """Return the connection in force; raise ConfigurationError when no token is known."""
    flags = flags or chosen()
    name, entry = _context(flags, environment)
    url = flags.url or environment.get("REMEDYD_URL", "")
    belongs = entry is not None and not url
    url = url or (entry.url if entry else LOCAL)
    ca = flags.ca or environment.get("REMEDYD_CA_FILE", "")
    if not ca and belongs and entry is not None:
        ca = entry.ca
    token = _token(flags, environment, entry if belongs else None, url)
    if not token or not token.isascii() or not token.isprintable():
        raise ConfigurationError(
            f"the token for {url} cannot be sent: it is empty, or not one line of ASCII",
            hint="look at the file or variable that it comes from",
        )
    return Connection(
        url.rstrip("/"), token, Path(ca).expanduser() if ca else None, name if belongs else ""
    )


def _context(flags: Chosen, environment: Mapping[str, str]) -> tuple[str, _Entry | None]:
    file = path(environment)
    found = _read(file)
    name = flags.context or environment.get("REMEDYD_CONTEXT", "") or found.current
    if not name:
        return "", None
    if name not in found.contexts:
        known = ", ".join(sorted(found.contexts)) or "none"
        raise InvalidInput(f"{file}: no context {name!r}", hint=f"known contexts: {known}")
    return name, found.contexts[name]


def _read(file: Path) -> _File:
    if not file.is_file():
        return _File(contexts={})
    loaded = documents.read(file)
    return documents.validate(loaded[0], _File) if loaded else _File(contexts={})


def _token(flags: Chosen, environment: Mapping[str, str], entry: _Entry | None, url: str) -> str:
    if flags.token_file:
        return _content(flags.token_file)
    if value := environment.get("REMEDYD_TOKEN"):
        return value
    if file := environment.get("REMEDYD_TOKEN_FILE"):
        return _content(file)
    if entry is not None and entry.token_file:
        return _content(entry.token_file)
    raise ConfigurationError(
        f"no token for {url}",
        hint="set REMEDYD_TOKEN_FILE (or REMEDYD_TOKEN), or a token_file in your contexts file",
    )


def _content(file: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise ConfigurationError(f"the token file {file} cannot be read: {why}") from error
