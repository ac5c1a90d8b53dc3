"""Everything that helps to understand a daemon, in one file without secrets.

Secrets are left out where they are known to be (settings), and every text is searched for their
values once more before it is written: a password that found its way into an error message does
not leave the cluster either.
"""

import json
import platform
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import timedelta
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import urlopen

from pydantic import BaseModel, SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from remedyd import __version__
from remedyd.doctor.examination import examine
from remedyd.doctor.store import missing_file
from remedyd.errors import Conflict, RemedydError, StoreError
from remedyd.model import Clock
from remedyd.proposals.query import ProposalFilter
from remedyd.proposals.store import Store
from remedyd.proposals.summary import plain
from remedyd.settings import Settings

_REDACTED: Final = "[redacted]"
_SHORTEST: Final = 6
_PROPOSALS: Final = 50
_SECONDS: Final = 3.0
_LARGEST: Final = 5_000_000
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]*@")


def write(settings: Settings, clock: Clock, path: Path) -> tuple[str, ...]:
    """Write the bundle to `path` and return the names of its files; raise Conflict if it exists."""
    if path.exists():
        raise Conflict(f"{path} exists", hint="name another file")
    scrub = Scrubber(secrets(settings))
    names = []
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as bundle:
        for name, make in _files(settings, clock):
            try:
                text = make()
            except (RemedydError, OSError, ValueError) as error:
                text = f"not available: {error}\n"
            bundle.writestr(name, scrub(text))
            names.append(name)
    path.chmod(0o600)
    return tuple(names)


class Scrubber:
    """Takes known secrets, and user names and passwords in URLs, out of a text."""

    def __init__(self, known: Iterable[str]) -> None:
        """Take the secrets; very short ones would take half of the text with them."""
        self._known = sorted({one for one in known if len(one) >= _SHORTEST}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text without them."""
        for secret in self._known:
            text = text.replace(secret, _REDACTED)
        return _PASSWORD.sub(f"{_REDACTED}@", text)


def secrets(settings: BaseModel) -> Iterator[str]:
    """Yield every secret of the settings: values, contents of secret files, words of tokens."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            yield from secrets(value)
        elif isinstance(value, SecretStr):
            yield from _words(value.get_secret_value())
        elif isinstance(value, Path) and name.endswith("_file") and not name.startswith("ca"):
            if value.is_file():
                yield from _words(value.read_text(encoding="utf-8", errors="replace"))
        elif isinstance(value, str) and "://" in value:
            yield from filter(None, _password(value))


def _words(text: str) -> Iterator[str]:
    """Yield a secret, or those in a file of tokens: its long words."""
    if "\n" in text.strip() or "tokens" in text:
        yield from re.findall(r"[\w~+/.=-]{16,}", text)
    else:
        yield text.strip()


def _password(url: str) -> tuple[str | None, ...]:
    try:
        return (make_url(url).password,)
    except (ArgumentError, ValueError):
        return (urlsplit(url).password,)


def _files(settings: Settings, clock: Clock) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "about.json", lambda: _json(_about(clock))
    yield "settings.json", lambda: settings.model_dump_json(indent=2)
    yield "doctor.json", lambda: _json([asdict(one) for one in examine(settings, clock)])
    for place, paths in (("audits", settings.audits), ("policies", settings.policies)):
        for path in paths:
            for file in sorted(path.iterdir()) if path.is_dir() else (path,):
                if file.suffix in (".yaml", ".yml", ".esql"):
                    yield f"{place}/{file.name}", _reader(file)
    if settings.guardrails is not None:
        yield "guardrails.yaml", _reader(settings.guardrails)
    yield "proposals.json", lambda: _json(_proposals(settings, clock))
    for name in ("readyz", "metrics"):
        yield f"{name}.txt", _fetcher(f"http://127.0.0.1:{settings.server.port}/{name}")


def _about(clock: Clock) -> Mapping[str, Any]:
    packages = {one.metadata["Name"]: one.version for one in distributions()}
    return {
        "remedyd": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "made_at": clock.now().isoformat(),
        "packages": dict(sorted(packages.items())),
    }


def _proposals(settings: Settings, clock: Clock) -> list[Mapping[str, Any]]:
    if (missing := missing_file(settings.database)) is not None:
        raise StoreError(missing.detail)
    store = Store(settings.database, clock, busy_timeout=timedelta(seconds=_SECONDS))
    try:
        return [
            {
                "id": one.id,
                "state": one.state.value,
                "policy": one.policy,
                "summary": plain(one),
                "events": [asdict(event) for event in store.events(one.id)],
            }
            for one in store.list(ProposalFilter(limit=_PROPOSALS)).items
        ]
    finally:
        store.close()


def _reader(path: Path) -> Callable[[], str]:
    return lambda: path.read_text(encoding="utf-8", errors="replace")


def _fetcher(url: str) -> Callable[[], str]:
    def fetch() -> str:
        with urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - loopback, by http
            body: bytes = answer.read(_LARGEST)
        return body.decode("utf-8", "replace")

    return fetch


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, default=str)
