"""The switches a person holds: pause and resume, and lifting what was set aside.

Stopping is for anyone who may propose, going on for approvers alone; both concern every
namespace, so a principal that is limited to some may do neither.
"""

from remedyd.errors import Conflict, Forbidden, NotFound
from remedyd.model import Clock, Hold, HoldKind, Principal, Scope
from remedyd.observability import logs
from remedyd.proposals.attempts import Attempts
from remedyd.proposals.flags import Flag
from remedyd.proposals.store import Store

log = logs.get(__name__)


class Controls:
    """What can be switched; each operation names the principal that asks."""

    def __init__(self, store: Store, clock: Clock, attempts: Attempts) -> None:
        """Take where switches and holds are kept, and who hears of refused attempts."""
        self._store = store
        self._clock = clock
        self._attempts = attempts

    def paused(self, principal: Principal) -> Flag | None:
        """Return the pause in force (since when, by whom, why), None while there is none."""
        _require(principal, Scope.VIEWER)
        return self._store.flags.paused()

    def pause(self, principal: Principal, reason: str = "") -> Flag:
        """Stop every write from this moment on; told twice is told once."""
        with self._attempts.watch(principal, "pause"):
            _require_everywhere(principal, Scope.PROPOSER, "pause")
        self._store.flags.pause(principal.name, self._clock.now(), reason)
        found = self._store.flags.paused()
        if found is None:
            raise Conflict("resumed by someone else at the same moment", hint="pause again")
        log.warning(f"paused by {principal.name}: {reason or 'no reason given'}")
        return found

    def resume(self, principal: Principal, reason: str = "") -> None:
        """Allow writes again."""
        with self._attempts.watch(principal, "resume"):
            _require_everywhere(principal, Scope.APPROVER, "resume")
        self._store.flags.resume(principal.name, self._clock.now(), reason)
        log.warning(f"resumed by {principal.name}: {reason or 'no reason given'}")

    def holds(self, principal: Principal, *, ended: bool = False) -> tuple[Hold, ...]:
        """Return quarantines and storms, newest first, within the principal's namespaces."""
        _require(principal, Scope.VIEWER)
        found = self._store.holds.list(ended=ended)
        return tuple(hold for hold in found if _may(principal, Scope.VIEWER, hold))

    def lift(self, principal: Principal, key: str, reason: str = "") -> Hold:
        """Lift a quarantine; raise Forbidden, NotFound, or Conflict for anything else."""
        with self._attempts.watch(principal, "lift quarantine"):
            self._check_lift(principal, self._store.holds.get(key))
            lifted = self._store.holds.end(key, self._clock.now(), principal.name, reason)
        log.warning(f"{principal.name} lifted the quarantine of {lifted.subject}")
        return lifted

    def _check_lift(self, principal: Principal, hold: Hold) -> None:
        _require(principal, Scope.VIEWER)
        if not _may(principal, Scope.VIEWER, hold):
            raise NotFound(f"there is no hold {hold.id}", hint="list them: remedyd holds list")
        if not _may(principal, Scope.APPROVER, hold):
            raise _lacking(principal, Scope.APPROVER)
        if hold.kind is not HoldKind.QUARANTINE:
            raise Conflict("a storm cannot be lifted", hint="it ends when its signs are gone")


def _may(principal: Principal, scope: Scope, hold: Hold) -> bool:
    """A storm concerns everyone; a quarantine the namespace of its workload."""
    namespace = hold.subject.split("/")[-3] if hold.kind is HoldKind.QUARANTINE else None
    return principal.may(scope, namespace)


def _require(principal: Principal, scope: Scope) -> None:
    if not principal.may(scope):
        raise _lacking(principal, scope)


def _require_everywhere(principal: Principal, scope: Scope, what: str) -> None:
    _require(principal, scope)
    if not principal.may_everywhere(scope):
        raise Forbidden(
            f"{principal.name} may act in some namespaces only; to {what} concerns all of them",
            hint="use a token that is not limited to namespaces",
        )


def _lacking(principal: Principal, scope: Scope) -> Forbidden:
    return Forbidden(
        f"{principal.name} lacks the scope {scope.value}", hint="use a token that has this scope"
    )
