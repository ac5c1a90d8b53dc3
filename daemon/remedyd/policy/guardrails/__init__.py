"""Guardrails: what may stop any change, whatever the policy, the approver or the evidence says.

Pure rules over a snapshot. They are asked when deciding, when approving and at the door, by the
same code with what is known at each time.
"""

from remedyd.policy.guardrails.loader import load_guardrails, parse_guardrails
from remedyd.policy.guardrails.places import ceiling
from remedyd.policy.guardrails.reach import others_under_change
from remedyd.policy.guardrails.rules import COUNTED_LATER, RULES, Objection, Rule, objection
from remedyd.policy.guardrails.schema import Guardrails
from remedyd.policy.guardrails.snapshot import NOBODY_LOOKED, Snapshot
from remedyd.policy.guardrails.storms import critical_workloads, node_sign, signs

__all__ = [
    "COUNTED_LATER",
    "NOBODY_LOOKED",
    "RULES",
    "Guardrails",
    "Objection",
    "Rule",
    "Snapshot",
    "ceiling",
    "critical_workloads",
    "load_guardrails",
    "node_sign",
    "objection",
    "others_under_change",
    "parse_guardrails",
    "signs",
]
