"""Keeps what known principals tried and were refused: in the store and in the log.

Every way in goes through the service, and the service does its work inside `watch`: so no face
can forget to tell.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from remedyd.errors import Refused, RemedydError
from remedyd.model import Clock, Principal, ProposalId
from remedyd.observability import logs
from remedyd.proposals.refusals import Refusal
from remedyd.proposals.store import Store

log = logs.get(__name__)


class Attempts:
    """Watches operations; safe to share between threads."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Take where refusals are kept."""
        self._store = store
        self._clock = clock

    @contextmanager
    def watch(
        self,
        principal: Principal,
        operation: str,
        proposal: ProposalId | None = None,
        namespace: str = "",
    ) -> Iterator[None]:
        """Keep a RemedydError raised within, and pass it on."""
        try:
            yield
        except RemedydError as error:
            at = self._clock.now()
            self._keep(self._refusal(at, principal, operation, proposal, namespace, error))
            raise

    def _refusal(
        self,
        at: datetime,
        principal: Principal,
        operation: str,
        proposal: ProposalId | None,
        namespace: str,
        error: RemedydError,
    ) -> Refusal:
        known = None
        if proposal is not None:
            with suppress(RemedydError):
                known = self._store.get(proposal)
        bound = logs.bound()
        return Refusal(
            at=at,
            principal=principal.name,
            operation=operation,
            outcome=error.reason if isinstance(error, Refused) else type(error).__name__,
            detail=error.message,
            namespace=known.plan.target.namespace if known else namespace,
            proposal=known.id if known else "",
            on_behalf_of=principal.on_behalf_of,
            source=str(bound.get("source", "")),
            request_id=str(bound.get("request_id", "")),
        )

    def _keep(self, refusal: Refusal) -> None:
        log.warning(
            f"{refusal.principal} was refused {refusal.operation}: {refusal.detail}",
            principal=refusal.principal,
            operation=refusal.operation,
            outcome=refusal.outcome,
            proposal=refusal.proposal,
            namespace=refusal.namespace,
        )
        try:
            self._store.refusals.add(refusal)
        except RemedydError as failed:  # the caller gets the refusal all the same
            log.error(f"a refusal could not be stored: {failed.message}")
