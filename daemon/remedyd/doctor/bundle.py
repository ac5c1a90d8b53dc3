"""Everything that helps to understand a daemon, in one file without secrets.

Secrets are left out where they are known to be (settings), and every text is searched for their
values once more before it is written: a password that found its way into an error message does
not leave the cluster either.
"""

import json
import os
import platform
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import timedelta
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.request import urlopen

from remedyd import __version__
from remedyd.doctor.examination import examine
from remedyd.doctor.store import missing_file
from remedyd.errors import Conflict, InvalidInput, RemedydError, StoreError
from remedyd.model import Clock
from remedyd.observability.concealing import concealed, held
from remedyd.proposals.query import ProposalFilter
from remedyd.proposals.store import Store
from remedyd.proposals.summary import plain
from remedyd.settings import Settings

_REDACTED: Final = "[redacted]"
_PROPOSALS: Final = 50
_SECONDS: Final = 3.0
_LARGEST: Final = 5_000_000
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]*@")


def write(settings: Settings, clock: Clock, path: Path) -> tuple[str, ...]:
    """Write the bundle to `path` and return the names of its files; raise Conflict if it exists."""
    scrub = scrubber(held(settings))
    names = []
    with _own(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, make in _files(settings, clock):
            try:
                text = make()
            except (RemedydError, OSError, ValueError) as error:
                text = f"not available: {error}\n"
            bundle.writestr(name, scrub(text))
            names.append(name)
    return tuple(names)


def _own(path: Path) -> BinaryIO:
    """Make the file, for nobody else to read from its first byte on."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError as error:
        raise Conflict(f"{path} exists", hint="name another file") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}") from error


def scrubber(known: Iterable[str]) -> Callable[[str], str]:
    """Return what takes known secrets, and whatever stands before an @ in a URL, out of a text."""
    blanked = concealed(known, _REDACTED)
    return lambda text: _PASSWORD.sub(f"{_REDACTED}@", blanked(text))


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
    url = settings.database_url()
    if (missing := missing_file(url)) is not None:
        raise StoreError(missing.detail)
    store = Store(url, clock, busy_timeout=timedelta(seconds=_SECONDS))
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
