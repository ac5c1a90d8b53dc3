"""Whether the daemon holds the Kubernetes rights that its policies need, and no more.

Asked of the API server at the start and again now and then. A missing right disables the actions
that need it where it is missing, and only those: the others go on. As long as nothing is known,
nothing is proposed.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from remedyd import rights
from remedyd.actions.rights import needs
from remedyd.cluster.access import Access, Reviewer, listed
from remedyd.errors import ClusterError, ConfigurationError, Refused
from remedyd.model import Clock
from remedyd.observability import logs
from remedyd.observability.metrics import Metrics
from remedyd.policy.policy import PolicySet
from remedyd.rights import Rights, Use

log = logs.get(__name__)

_EVERY = timedelta(minutes=10)


class Entitlements:
    """Remembers the last review; safe to share between threads."""

    def __init__(
        self,
        cluster: Reviewer,
        policies: Callable[[], PolicySet],
        metrics: Metrics,
        clock: Clock,
        *,
        requested: Sequence[Use] = (),
        most_excess: int | None = None,
        least: Callable[[Iterable[Use]], Rights] = rights.rights,
    ) -> None:
        """`requested` is what people may ask for; more than `most_excess` rights are too many.

        `least` says what such a daemon needs for its uses.
        """
        self._cluster = cluster
        self._policies = policies
        self._metrics = metrics
        self._clock = clock
        self._due: datetime | None = None
        self._requested = requested
        self._most = most_excess
        self._least = least
        self._lock = threading.Lock()
        self._missing: tuple[Access, ...] | None = None
        self._excess: tuple[Access, ...] = ()

    def start(self) -> None:
        """Review for the first time; an API server that does not answer is asked again later.

        Raises ConfigurationError if the daemon holds too many rights.
        """
        try:
            # a hundred questions about rights that are not needed can wait for the first turn,
            # unless an answer to them forbids the start
            self.review(excess=self._most is not None)
        except ClusterError as error:
            log.warning(f"our rights cannot be reviewed now: {error.message}")
        if problem := self._too_many():
            raise ConfigurationError(problem, hint="bind what `remedyd rbac render` prints")

    def refresh(self) -> None:
        """Ask again when the last answers are old; raise ClusterError when there is none."""
        now = self._clock.now()
        # a due time that lies further ahead than one turn was set by a clock that went wrong
        if self._due is None or not self._due - _EVERY <= now < self._due:
            self.review()

    def outdated(self) -> None:
        """Have the next `refresh` ask: the policies have changed."""
        self._due = None

    def review(self, *, excess: bool = True) -> None:
        """Ask for each needed right, and for `excess` ones; raise ClusterError."""
        with self._lock:
            wanted = self._least([*rights.uses(self._policies().values()), *self._requested])
            missing = rights.missing(self._cluster, wanted)
            spare = rights.excess(self._cluster, wanted) if excess else self._excess
            if missing != self._missing or spare != self._excess:
                self._tell(missing, spare)
            self._missing, self._excess = missing, spare
            self._due = self._clock.now() + _EVERY if excess else None
        self._metrics.rights.labels("missing").set(len(missing))
        self._metrics.rights.labels("excess").set(len(spare))

    def check(self, action: str, kind: str, namespace: str) -> None:
        """Raise Refused unless the action can be carried out on workloads of `kind` there."""
        if self._missing is None:
            raise Refused(
                "RightsUnknown",
                "the API server has not yet said which rights the daemon holds",
                hint="it is asked again within a minute",
            )
        if problem := self._too_many():
            raise Refused("ExcessRights", problem, hint="bind what `remedyd rbac render` prints")
        needed = needs(action, kind)
        lacking = [
            access
            for access in self._missing
            if access.permission in needed and access.namespace in ("", namespace)
        ]
        if lacking:
            raise Refused(
                "RightsMissing",
                f"{action} is disabled here: the daemon may not {listed(lacking)}",
                hint="bind what `remedyd rbac render` prints",
            )

    def notices(self) -> Sequence[str]:
        """Return what an operator should know."""
        return [*self._missing_notices(), *self._excess_notices()]

    def _missing_notices(self) -> Iterator[str]:
        if self._missing is None:
            yield "rights: not reviewed yet, nothing is proposed"
            return
        used = rights.uses(self._policies().values())
        actions = sorted(rights.disabled([*used, *self._requested], self._missing))
        if self._missing:
            disabled = f"disabled: {', '.join(actions)}; " if actions else ""
            yield f"rights: {disabled}the daemon may not {listed(self._missing)}"

    def _excess_notices(self) -> Iterator[str]:
        if self._excess:
            yield f"rights: held and not needed: {listed(self._excess)}"

    def _too_many(self) -> str:
        if self._most is None or len(self._excess) <= self._most:
            return ""
        return (
            f"the daemon holds {len(self._excess)} rights that it does not need, {self._most} are "
            f"allowed: {listed(self._excess)}"
        )

    def _tell(self, missing: Sequence[Access], excess: Sequence[Access]) -> None:
        for words, found in (("missing", missing), ("held and not needed", excess)):
            if found:
                log.warning(f"{len(found)} rights are {words}: {listed(found)}", count=len(found))
