"""The audits and policies in force, read again when their files change.

A ConfigMap changes under a running daemon. Both kinds of files are read as one set, because a
policy is checked against the columns of its audit; the set is exchanged whole or not at all. Files
that are not valid leave the old set in force: a typing error at night must not end the watch, and
half a set must not act.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from remedyd.actions.registry import SCHEMAS
from remedyd.audits.definition import AuditDefinition, AuditSet
from remedyd.audits.loader import load_audits
from remedyd.errors import InvalidInput
from remedyd.model import Clock
from remedyd.observability import logs
from remedyd.observability.metrics import Metrics
from remedyd.policy.loader import load_policies
from remedyd.policy.policy import PolicySet
from remedyd.rotation import fingerprint, states

log = logs.get(__name__)

_LOOKS = 5
_SUFFIXES = frozenset({".yaml", ".yml", ".esql"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """A set that is valid as a whole; `digest` is the fingerprint of its files."""

    audits: AuditSet
    policies: PolicySet
    digest: str
    at: datetime


class Library:
    """Holds the set in force; safe to share between threads."""

    def __init__(
        self, audits: Sequence[Path], policies: Sequence[Path], clock: Clock, metrics: Metrics
    ) -> None:
        """Read the files; raise InvalidInput with every problem if they are not valid."""
        self._audit_paths = audits
        self._policy_paths = policies
        self._clock = clock
        self._metrics = metrics
        self._listeners: list[Callable[[Loaded], None]] = []
        self._refusal_listeners: list[Callable[[str, str], None]] = []
        self._lock = threading.Lock()
        self._refused = ""
        self._notices: tuple[str, ...] = ()
        self._loaded = self._read()
        self.audits: Mapping[str, AuditDefinition] = _Current(self)
        """The audits in force, whenever it is looked at."""
        self._show()

    @property
    def loaded(self) -> Loaded:
        """Return the set in force."""
        return self._loaded

    def policies(self) -> PolicySet:
        """Return the policies in force."""
        return self._loaded.policies

    def notices(self) -> Sequence[str]:
        """Return what is wrong with the files, if the set in force is an older one."""
        return self._notices

    def on_change(self, told: Callable[[Loaded], None]) -> None:
        """Call `told` with each new set, after it came into force."""
        self._listeners.append(told)

    def on_refused(self, told: Callable[[str, str], None]) -> None:
        """Call `told` with the fingerprint of each set that is not valid, and what is wrong."""
        self._refusal_listeners.append(told)

    def check(self) -> bool:
        """Read the files again if they have changed; return whether a new set is in force."""
        with self._lock:
            digest = fingerprint(self._files())
            if digest == self._loaded.digest:
                self._settle()
                return False
            if digest == self._refused:
                return False
            try:
                loaded = self._read()
            except InvalidInput as error:
                self._refuse(digest, error)
                return False
            self._loaded = loaded
            self._settle()
            log.info(
                f"{len(loaded.policies)} policies and {len(loaded.audits)} audits are in force",
                audits=len(loaded.audits),
                policies=len(loaded.policies),
                digest=loaded.digest[:12],
            )
        for told in self._listeners:
            told(loaded)
        return True

    def _refuse(self, digest: str, error: InvalidInput) -> None:
        self._refused = digest
        since = f"{self._loaded.at:%Y-%m-%d %H:%M:%SZ}"
        details = [str(problem) for problem in error.problems] or [error.message]
        self._notices = tuple(
            f"policies and audits of {since} stay in force: {detail}" for detail in details
        )
        self._show()
        log.error(
            f"changed policies and audits are not valid: {'; '.join(details)}",
            hint="correct the files; those read before stay in force",
            since=since,
        )
        for told in self._refusal_listeners:
            told(digest, "; ".join(details))

    def _settle(self) -> None:
        self._refused, self._notices = "", ()
        self._show()

    def _show(self) -> None:
        self._metrics.configuration_valid.set(0 if self._refused else 1)
        self._metrics.configuration_loaded.set(self._loaded.at.timestamp())

    def _read(self) -> Loaded:
        """Read a set of which no file changes meanwhile; raise InvalidInput."""
        for _ in range(_LOOKS):
            before, digest = states(self._files()), fingerprint(self._files())
            try:
                audits = load_audits(self._audit_paths)
                policies = load_policies(self._policy_paths, audits=audits.specs, actions=SCHEMAS)
            except InvalidInput:
                if before == states(self._files()):
                    raise
                continue  # it may be of two sets, and each of them right
            if before == states(self._files()):
                return Loaded(audits, policies, digest, self._clock.now())
        raise InvalidInput(
            "policies and audits change while they are read", hint="they are looked at again"
        )

    def _files(self) -> Iterator[Path]:
        for path in (*self._audit_paths, *self._policy_paths):
            for file in sorted(path.iterdir()) if path.is_dir() else (path,):
                if file.suffix in _SUFFIXES:
                    yield file


class _Current(Mapping[str, AuditDefinition]):
    """The audits in force, as a mapping that follows each reload."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def __getitem__(self, name: str) -> AuditDefinition:
        return self._library.loaded.audits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._library.loaded.audits)

    def __len__(self) -> int:
        return len(self._library.loaded.audits)
