"""A whole daemon in this process whose time a test moves by hand: the real app on the lab.

Nothing runs by itself: `live` lets the lab's time pass minute by minute, and runs the audits and
the tick that would be due. So what takes an hour takes seconds, and is the same every time.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from remedyd.app import App
from remedyd.lab.world import Lab
from remedyd.loop import Loop
from remedyd.model import KubeObject, Principal, Proposal, Scope, State
from remedyd.proposals import codec
from remedyd.proposals.query import ProposalFilter
from remedyd.service import Service
from remedyd.settings import Settings
from support.sections import sections

ANN = Principal("ann", frozenset({Scope.APPROVER}))
_MINUTE = timedelta(minutes=1)


class _Idle:
    """A schedule on which nothing is."""

    def __getattr__(self, name: str) -> Callable[..., bool]:
        """Do nothing, whatever is asked."""
        return lambda *_, **__: False


class HandApp(App):
    """The app without a schedule; what would be on it is at hand."""

    loop: Loop
    mail: Callable[[], None]
    chores: Mapping[str, Callable[[], object]]

    def _schedule(self, loop: Loop, *others: Any, **_: Any) -> Any:
        self.loop, (_library, _pool, self.chores, self.mail, *_more) = loop, others
        return _Idle()


class ByHand:
    """The daemon between `with` and its end, on a lab without a speed of its own."""

    def __init__(self, lab: Lab, home: Path, policy: str = "", **settings: Any) -> None:
        """Take the lab, a directory for the store, and the policies (none: the shipped ones)."""
        self.lab = lab
        settings = {"database": f"sqlite:///{home / 'remedyd.db'}", **settings}
        if policy:
            path = home / "policies"
            path.mkdir()
            (path / "policy.yaml").write_text(policy, encoding="utf-8")
            settings["policies"] = [path]
        told = sections(lab.daemon_settings(home), **settings)
        self.app = HandApp(Settings(**told))
        self.app.clock = lab.clock
        self.service: Service

    def __enter__(self) -> Self:
        """Start."""
        self.service = self.app.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; what the store remembers of its records must still be what they say."""
        assert self.app._wiring is not None
        known = [*self.app._wiring.store._texts._known.items()]
        self.app.stop()
        if error is None:
            assert [text for text, one in known if codec.dump(one) != text] == []

    def live(self, minutes: int, *, approve: bool = False) -> None:
        """Let time pass; with `approve`, let through what waits for an approver."""
        for _ in range(minutes):
            self.lab.advance(_MINUTE)
            for audit in sorted({policy.audit for policy, _ in self.service.policies(ANN)}):
                self.app.loop.cycle(audit)
            if approve:
                for proposal in self.proposals(State.PROPOSED):
                    self.service.approve(ANN, proposal.id, proposal.digest)
            self.app.loop.tick()

    def until(self, what: Callable[[], Any], minutes: int = 60, *, approve: bool = False) -> Any:
        """Live until `what` is true and return it; fail after so many minutes."""
        for _ in range(minutes):
            if found := what():
                return found
            self.live(1, approve=approve)
        raise AssertionError(f"not within {minutes} minutes: {self.told()}")

    def take_back(self, proposal: Proposal) -> Proposal:
        """Have an applied change taken back by hand, and wait until it is."""
        self.service.rollback(ANN, proposal.id, "enough of it")
        self.until(lambda: not self.proposals(State.ROLLING_BACK), minutes=10)
        return self.service.proposal(ANN, proposal.id)

    def proposals(self, *states: State) -> Sequence[Proposal]:
        """Return proposals in these states (none: all), oldest first."""
        page = self.service.proposals(ANN, ProposalFilter(states=frozenset(states)))
        return page.items[::-1]

    def ended(self, state: State, action: str = "") -> Callable[[], Proposal | None]:
        """Return a question: is there a proposal in this state (of this action)?"""
        return lambda: next(
            (p for p in self.proposals(state) if action in ("", p.plan.action)), None
        )

    def told(self) -> list[str]:
        """Return every proposal in a line."""
        return [f"{p.plan.action} {p.plan.target} {p.state} {p.reason}" for p in self.proposals()]

    def get(self, name: str, kind: str = "Deployment", namespace: str = "shop") -> KubeObject:
        """Return a live object."""
        path = {
            "Deployment": "apps/v1/deployments",
            "Pod": "v1/pods",
            "HorizontalPodAutoscaler": "autoscaling/v2/horizontalpodautoscalers",
        }[kind]
        found: KubeObject = self.lab.simulation.store.get(path, namespace, name)
        return found
