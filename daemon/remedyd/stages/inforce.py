"""Whether the policy that asked for a change still is the one in force.

A digest binds the policy's text. So what an edited, disabled or removed policy had asked for is not
approved any more, and not written: whoever edits a policy at night wants an end of what it does.
"""

from collections.abc import Callable

from remedyd.errors import Refused, Stale
from remedyd.model import Proposal
from remedyd.policy.policy import PolicySet

REASON = "PolicyChanged"


class InForce:
    """Compares a proposal with the policies in force; requests of people have none."""

    def __init__(self, policies: Callable[[], PolicySet], refresh: Callable[[], object]) -> None:
        """Take the policies in force, and what reads their files again if they changed."""
        self._policies = policies
        self._refresh = refresh

    def check_approval(self, proposal: Proposal) -> None:
        """Raise Refused where the policy is another by now, in its file already.

        The proposal waits on: another replica may have read the newer text that asked for it.
        """
        if proposal.policy_hash:
            self._refresh()
        if told := self._changed(proposal):
            raise Refused(REASON, told, hint="wait for the next audit to propose it anew")

    def check_write(self, proposal: Proposal) -> None:
        """Raise Stale where the policy is another by now."""
        if told := self._changed(proposal):
            raise Stale(told, hint="wait for the next audit to propose it anew")

    def _changed(self, proposal: Proposal) -> str:
        if not proposal.policy_hash:
            return ""
        found = self._policies().get(proposal.policy)
        if found is None:
            return f"the policy {proposal.policy} was removed since the plan"
        changed = found.hash != proposal.policy_hash
        return f"the policy {proposal.policy} was changed since the plan" if changed else ""
