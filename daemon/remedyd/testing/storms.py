"""The storm in progress, without a store: what the daemon's durable report would say.

As in the daemon a storm begins with its first sign and is over when none was seen for the time of
calm; an audit that gave no usable rows changes nothing.
"""

from collections.abc import Sequence
from datetime import datetime

from remedyd.model import AuditResult, Hold, HoldKind, Nodes
from remedyd.policy.guardrails import NOBODY_LOOKED, Guardrails, node_sign, signs

_NODES = "nodes"


class Storms:
    """Carries the signs of a storm from cycle to cycle."""

    def __init__(self, guardrails: Guardrails) -> None:
        """Take the limits; at first there is no storm."""
        self._limits = guardrails.storm
        self._seen: dict[str, tuple[str, datetime]] = {}
        self._since: datetime | None = None

    def look(
        self, results: Sequence[AuditResult], at: datetime, nodes: Nodes = NOBODY_LOOKED
    ) -> Hold | None:
        """Take the results of one cycle and the nodes; return the storm, if there is one.

        Cycles come in order.
        """
        usable = [result for result in results if result.ok]
        found = signs(usable, self._limits)
        if text := node_sign(nodes, self._limits):
            found[_NODES] = text
        heard = {result.audit for result in usable} | {_NODES}
        calm = at - self._limits.calm
        self._seen = {
            key: sign
            for key, sign in self._seen.items()
            if key.partition("/")[0] not in heard or sign[1] > calm
        }
        self._seen |= {key: (text, at) for key, text in found.items()}
        if not self._seen:
            self._since = None
            return None
        self._since = self._since or at
        detail = "; ".join(text for text, _ in self._seen.values())
        return Hold("storm", HoldKind.STORM, "cluster", self._since, detail)
