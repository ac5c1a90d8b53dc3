"""The flow: audit, decide, plan, propose, approve; then apply, verify, settle.

The order of gates is the order of the two lists in `Loop`. A stage that fails ends its own
pass and is counted; it never stops the others or the daemon.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from remedyd.errors import Conflict, RemedydError
from remedyd.model import Clock, Proposal, ProposalId, State
from remedyd.observability import logs, traces
from remedyd.observability.metrics import Metrics
from remedyd.proposals.gate import Gate
from remedyd.proposals.store import Store
from remedyd.stages.cycle import Cycle, Stage, Step

log = logs.get(__name__)


class Loop:
    """Runs audit cycles and moves approved proposals on; safe to call from several threads."""

    def __init__(
        self,
        *,
        stages: Sequence[Stage],
        steps: Mapping[State, Step],
        store: Store,
        gate: Gate,
        clock: Clock,
        metrics: Metrics,
        chores: Sequence[Callable[[], None]] = (),
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take the stages in their order, and the step that leads on from each state.

        `chores` are done at every tick, after proposals were moved on. While `leads` says no,
        nothing is done: of several daemons only the leader acts.
        """
        self._leads = leads
        self._stages = stages
        self._steps = steps
        self._store = store
        self._gate = gate
        self._clock = clock
        self._metrics = metrics
        self._chores = chores
        self._busy: set[ProposalId] = set()
        self._guard = threading.Condition()

    def cycle(self, audit: str) -> Cycle:
        """Run one audit through all stages, then move on what was approved on the way."""
        with traces.span("audit cycle", audit=audit):
            cycle = self._staged(audit)
        for proposal in cycle.proposals:
            if proposal.state is State.APPROVED:
                self.advance(proposal.id)
        return cycle

    def _staged(self, audit: str) -> Cycle:
        cycle = Cycle(audit, self._clock.now())
        for stage in self._stages:
            if not self._leads():
                break  # looked at before each stage: a process may be stopped for long in between
            try:
                with self._measured(stage.name), traces.span(f"stage {stage.name}", audit=audit):
                    cycle = stage.run(cycle)
            except RemedydError as error:
                self._failed(stage.name, error, audit=audit)
                break
            except Exception:  # a bug in one audit's pass must not stop the schedule
                self._metrics.stage_errors.labels(stage.name, "Bug").inc()
                log.exception(
                    f"a bug in stage {stage.name} ended the run of audit {audit}",
                    stage=stage.name,
                    audit=audit,
                )
                break
        return cycle

    def tick(self) -> None:
        """Expire what nobody approved and move on every proposal that something is due for."""
        if not self._leads():
            return
        try:
            self._gate.expire(self._clock.now())
            due = self._store.in_states(frozenset(self._steps))
        except RemedydError as error:
            self._failed("tick", error)
            return
        for proposal in due:
            self.advance(proposal.id)
        for chore in self._chores:
            try:
                chore()
            except RemedydError as error:
                self._failed("chore", error)

    def advance(self, proposal_id: ProposalId, *, patience: float = 0.0) -> Proposal | None:
        """Move one proposal as far as it goes now; None when that could not be done.

        When another thread is at it, wait up to `patience` seconds for it to finish first.
        """
        with self._guard:
            if not self._guard.wait_for(lambda: proposal_id not in self._busy, patience):
                return None
            self._busy.add(proposal_id)
        try:
            with traces.life(proposal_id):
                return self._advance(self._store.get(proposal_id))
        except Conflict as error:
            log.info(f"somebody else moved it first: {error.message}", proposal=proposal_id)
            return None
        except RemedydError as error:
            self._failed("advance", error, proposal=proposal_id)
            return None
        except Exception:  # a bug in one proposal's step must not stop the others
            self._metrics.stage_errors.labels("advance", "Bug").inc()
            log.exception("a bug keeps the proposal where it is", proposal=proposal_id)
            return None
        finally:
            with self._guard:
                self._busy.discard(proposal_id)
                self._guard.notify_all()

    def _advance(self, proposal: Proposal) -> Proposal:
        while self._leads() and (step := self._steps.get(proposal.state)) is not None:
            state = proposal.state.value
            with (
                self._measured(state),
                traces.span(f"step {state}", proposal=proposal.id, state=state) as current,
            ):
                moved = step.advance(proposal)
                current.set_attribute("remedyd.moved_to", moved.state.value)
            if moved.state is proposal.state:
                return moved  # it waits, whatever was noted on the way
            proposal = moved
        return proposal

    def _measured(self, stage: str) -> AbstractContextManager[object]:
        return self._metrics.stage_seconds.labels(stage).time()

    def _failed(self, stage: str, error: RemedydError, **context: str) -> None:
        self._metrics.stage_errors.labels(stage, type(error).__name__).inc()
        what = " ".join([stage, *context.values()])
        log.error(f"{what} failed: {error.message}", stage=stage, hint=error.hint, **context)
