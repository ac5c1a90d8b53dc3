"""The daemon's own credentials and CA bundles: looked at every minute, and who hears of it.

Each follows its files by itself (`rotation`); here is told what came of a change, and what is new
is kept out of the logs before anything is done with it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from remedyd.observability import logs
from remedyd.observability.metrics import Metrics
from remedyd.rotation import Rotating

log = logs.get(__name__)


class Credentials:
    """Everything of this daemon that follows files; safe to share between threads."""

    def __init__(self, metrics: Metrics, secrets: Callable[[], frozenset[str]]) -> None:
        """Take what returns every secret as the files hold them now."""
        self._metrics = metrics
        self._secrets = secrets
        self._held: list[Rotating[Any]] = []

    def follow(self, held: Rotating[Any]) -> None:
        """Look after one more."""
        held.on_found = self._conceal
        held.on_told = self._told
        self._held.append(held)
        self._show(held.part)

    def check(self) -> None:
        """Look at all files, and try again what was refused."""
        for held in list(self._held):
            held.look()

    def notices(self) -> Sequence[str]:
        """Return which files are not in force, and why."""
        told = (f"{h.part}: {_stays(h.trouble)}" for h in list(self._held) if h.trouble)
        return list(dict.fromkeys(told))

    def _conceal(self) -> None:
        logs.conceal(self._secrets())

    def _told(self, held: Rotating[Any]) -> None:
        self._show(held.part)
        if held.trouble:
            log.error(f"{held.part}: {_stays(held.trouble)}", hint=held.hint)
        else:
            log.info(f"{held.part}: the credentials and certificates on disk are in force")

    def _show(self, part: str) -> None:
        wrong = any(held.trouble for held in list(self._held) if held.part == part)
        self._metrics.credentials_valid.labels(part).set(0 if wrong else 1)


def _stays(trouble: str) -> str:
    kept = "changed credentials or certificates are not used, the ones before stay in force"
    return f"{kept}: {trouble}"
