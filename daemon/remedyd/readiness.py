"""Why audits or writes cannot run now: each part is asked at every `/readyz`, for a short while.

Kubelets, load balancers and strangers may ask at any rate, and a part that hangs must not hang the
asker: each question is put once at a time, in a thread of its own, and who does not answer within
two seconds is reported by that. An answer is never remembered: a part that was there a minute ago
may be gone.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from remedyd.errors import RemedydError
from remedyd.model import monotonic
from remedyd.observability import logs

log = logs.get(__name__)

PATIENCE: Final = 2.0
"""Seconds within which a part has to answer."""

Check = Callable[[], object]


class _Question:
    """One part; whoever asks while it is being asked waits for the same answer."""

    def __init__(self, name: str, check: Check) -> None:
        self._name = name
        self._check = check
        self._lock = threading.Lock()
        self._asked: _Answer | None = None

    def put(self) -> "_Answer":
        """Return the answer that is under way, or a new one."""
        with self._lock:
            if self._asked is None or self._asked.come.is_set():
                self._asked = _Answer()
                threading.Thread(
                    target=self._find, args=(self._asked,), name=f"ask-{self._name}", daemon=True
                ).start()
            return self._asked

    def _find(self, answer: "_Answer") -> None:
        try:
            self._check()
        except RemedydError as error:
            answer.trouble = f"{self._name}: {error.message}"
        except Exception as error:  # a bug in a check must not look like readiness
            log.exception("a bug in a check of readiness", part=self._name)
            answer.trouble = f"{self._name}: {type(error).__name__}"
        finally:
            answer.come.set()

    def silent(self, answer: "_Answer") -> str:
        """Return what to say of a part that did not answer in time."""
        seconds = monotonic() - answer.begun
        return f"{self._name}: no answer for {max(seconds, PATIENCE):.0f} s"


class _Answer:
    """What a part said, once it has come."""

    def __init__(self) -> None:
        self.come = threading.Event()
        self.begun = monotonic()
        self.trouble = ""


class Readiness:
    """Gives the reasons why not; none: ready. Safe to share between threads."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        started: Callable[[], bool],
        others: Sequence[Callable[[], Sequence[str]]] = (),
    ) -> None:
        """`checks` raise RemedydError; `others` give reasons that nobody has to be asked for."""
        self._questions = [_Question(name, check) for name, check in checks.items()]
        self._started = started
        self._others = others

    def __call__(self) -> list[str]:
        """Ask all parts at once and return what is in the way."""
        if not self._started():
            return ["starting or stopping"]
        put = [(question, question.put()) for question in self._questions]
        until, found = monotonic() + PATIENCE, list[str]()
        for question, answer in put:
            if not answer.come.wait(max(0.0, until - monotonic())):
                found.append(question.silent(answer))
            elif answer.trouble:
                found.append(answer.trouble)
        for other in self._others:
            try:
                found += other()
            except RemedydError as error:
                log.warning(f"readiness is not known in full: {error.message}")
        return found
