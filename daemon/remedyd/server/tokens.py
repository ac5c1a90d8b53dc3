"""Reads who may call: bearer tokens with scopes, from a file or inline, checked as a whole.

    tokens:
      - name: on-call                        # who it is in every history
        sha256: <hex SHA-256 of the token>   # or `token`, or `tokenFile` beside this file
        scopes: [approver]                   # viewer, proposer, approver, admin
        namespaces: [shop]                   # left out: all; empty: none
        expires: 2027-01-01T00:00:00Z        # left out: never

`grants` in the same file name users of other sources (see the module grants). Only hashes stay
in memory. There is no default token, and one that could be guessed is refused at start. No
message quotes a token, not even one that was written under the wrong key.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import AwareDatetime, Field

from remedyd import documents
from remedyd.documents import Document, Model
from remedyd.errors import ConfigurationError, InvalidInput, Problem
from remedyd.model import Principal, Scope
from remedyd.server.grants import Grant, GrantEntry, grant, mistakes

MINIMUM_LENGTH: Final = 32
_MINIMUM_DISTINCT: Final = 8
_SECRETS: Final = ("token", "sha256", "tokenFile")
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_LONG: Final = re.compile(r'[^\s"]{12,}')
_MAKE_ONE: Final = "a good token is the output of: openssl rand -hex 32"


@dataclass(frozen=True, slots=True)
class Token:
    """A known token: its SHA-256, who holds it, and until when it is good (None: for ever)."""

    digest: bytes = field(repr=False)
    principal: Principal
    expires: datetime | None = None


class _Entry(Model):
    name: str
    scopes: list[Scope]
    token: Any = None
    sha256: Any = None
    token_file: Any = None
    namespaces: list[str] | None = None
    expires: AwareDatetime | None = None


class _File(Model):
    tokens: list[_Entry] = Field(default_factory=list)
    grants: list[GrantEntry] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Callers:
    """Everybody that the files know."""

    tokens: tuple[Token, ...]
    grants: tuple[Grant, ...] = ()


def hashed(token: str) -> bytes:
    """Return the SHA-256 of a token; tokens are long and random, no slower hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def read(file: Path | None, inline: str = "", *, others: bool = False) -> Callers:
    """Return the tokens and grants of `file` and of the `inline` YAML together.

    `others` says that callers may come with tokens of other sources. Raise `ConfigurationError`
    with every mistake, or if nobody could call.
    """
    tokens: list[Token] = []
    grants: list[Grant] = []
    problems: list[Problem] = []
    for path, text in ((file, ""), (None, inline)):
        if path is None and not text.strip():
            continue
        try:
            loaded = documents.read(path) if path else documents.load(text, "inline tokens")
            for document in loaded:
                found = documents.validate(document, _File)
                base = path.parent if path else Path()
                _collect(document, found.tokens, base, tokens, problems)
                _collect_grants(document, found.grants, grants, problems)
        except InvalidInput as error:
            reasons = error.problems or (Problem(error.message),)
            problems += [replace(p, message=_LONG.sub("…", p.message)) for p in reasons]
    if problems:
        raise ConfigurationError("the bearer tokens cannot be used", problems, hint=_MAKE_ONE)
    if not tokens and not others:
        raise ConfigurationError(
            "no bearer token is configured, and there is no default one: nobody could call",
            hint=f"set REMEDYD_SERVER__TOKENS_FILE to a YAML file of tokens; {_MAKE_ONE}",
        )
    return Callers(tuple(tokens), tuple(grants))


def _collect(
    document: Document,
    entries: Sequence[_Entry],
    base: Path,
    tokens: list[Token],
    problems: list[Problem],
) -> None:
    """Append what the document holds to `tokens`, and its mistakes to `problems`."""
    for index, entry in enumerate(entries):
        at = ("tokens", index)
        wrong = [documents.problem(document, at, text) for text in _mistakes(entry)]
        try:
            digest = _digest(entry, base)
        except InvalidInput as error:
            wrong.append(documents.problem(document, at, error.message))
        else:
            if digest in {token.digest for token in tokens}:
                text = f"the token of {entry.name} is listed twice: who holds it is not clear"
                wrong.append(documents.problem(document, at, text))
            tokens.append(Token(digest, _principal(entry), entry.expires))
        problems += wrong


def _collect_grants(
    document: Document,
    entries: Sequence[GrantEntry],
    found: list[Grant],
    problems: list[Problem],
) -> None:
    for index, entry in enumerate(entries):
        wrong = [documents.problem(document, ("grants", index), m) for m in mistakes(entry)]
        problems += wrong
        if not wrong:
            found.append(grant(entry))


def _principal(entry: _Entry) -> Principal:
    reach = None if entry.namespaces is None else frozenset(entry.namespaces)
    return Principal(entry.name, frozenset(entry.scopes), reach)


def _mistakes(entry: _Entry) -> Iterator[str]:
    if not _NAME.fullmatch(entry.name):
        yield "the name must be 1 to 64 letters, digits or . _ @ -, beginning with one of the first"
    elif entry.name.lower().startswith("remedyd"):
        yield "names that begin with remedyd are the daemon's own"
    if not entry.scopes:
        yield "scopes is empty: the token could do nothing"


def _digest(entry: _Entry, base: Path) -> bytes:
    """Return the hash of the entry's token; raise `InvalidInput` without quoting it."""
    given = [entry.token, entry.sha256, entry.token_file]
    if sum(value is not None for value in given) != 1:
        raise InvalidInput(f"give exactly one of {', '.join(_SECRETS)}")
    for key, value in zip(_SECRETS, given, strict=True):
        if value is not None and not isinstance(value, str):
            raise InvalidInput(f"{key} must be a text: put it in quotes")
    if entry.sha256 is not None:
        if not _SHA256.fullmatch(entry.sha256):
            raise InvalidInput("sha256 must be 64 hexadecimal digits: the hash, not the token")
        return bytes.fromhex(entry.sha256)
    token = entry.token if entry.token is not None else _content(base / entry.token_file)
    return hashed(_strong(token))


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidInput(f"the token file {path.name} cannot be read: {reason}") from error


def _strong(token: str) -> str:
    if len(token) < MINIMUM_LENGTH:
        raise InvalidInput(f"the token has {len(token)} characters, {MINIMUM_LENGTH} are needed")
    if len(set(token)) < _MINIMUM_DISTINCT:
        raise InvalidInput("the token repeats a few characters: it could be guessed")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidInput("the token must be printable ASCII without spaces, to fit a header")
    return token
