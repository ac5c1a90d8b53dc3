"""The rules in their order. Whoever wants to know what can stop remedyd reads this list.

Each rule looks at a snapshot and returns a sentence, or nothing when it does not object. The
first that objects names the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass

from remedyd.policy.guardrails import patience, pause, places, reach, repetition, storms, timing
from remedyd.policy.guardrails.snapshot import Snapshot
from remedyd.policy.reasons import Reason


@dataclass(frozen=True, slots=True)
class Rule:
    """One guardrail: its code, its question, and what it is about.

    `requests`: it also judges what a principal asked for, not policies alone. `undo`: it also
    judges taking a change back. `tells`: it also judges a call for a person, which writes nothing.
    """

    reason: Reason
    check: Callable[[Snapshot], str]
    hint: str
    requests: bool = True
    undo: bool = False
    tells: bool = False


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a change must not be made now, and what a person can do about it."""

    reason: Reason
    detail: str
    hint: str


RULES: tuple[Rule, ...] = (
    Rule(
        Reason.PAUSED,
        pause.paused,
        "resume when it is safe: remedyd resume",
        undo=True,
        tells=True,
    ),
    Rule(
        Reason.CLOCK_WRONG,
        timing.clock_wrong,
        "run a time service on the nodes; it goes on by itself once the clocks agree",
    ),
    Rule(
        Reason.CLOCK_SET,
        timing.clock_set,
        "wait a quarter of an hour, or request the change",
        requests=False,
    ),
    Rule(
        Reason.PROTECTED_NAMESPACE,
        places.protected,
        "change it by hand, or take it out of protectedNamespaces",
    ),
    Rule(
        Reason.OPTED_OUT,
        places.opted_out,
        "ask its owner; remove the annotation to allow changes",
        undo=True,
        tells=True,
    ),
    Rule(
        Reason.STRICTER_MODE,
        places.beyond_mode,
        "ask its owner; change the annotation to allow more",
        undo=True,
    ),
    Rule(Reason.FROZEN, timing.frozen, "wait until the freeze is over"),
    Rule(
        Reason.OUTSIDE_MAINTENANCE,
        timing.outside_maintenance,
        "wait for the window, or request the change",
        requests=False,
    ),
    Rule(
        Reason.STORM,
        storms.storm,
        "look for the one cause: remedyd holds list",
        requests=False,
        tells=True,
    ),
    Rule(
        Reason.QUARANTINED,
        patience.quarantined,
        "find out why changes do not help, then: remedyd holds lift",
    ),
    Rule(
        Reason.COOLDOWN,
        patience.cooling_down,
        "wait, or request the change",
        requests=False,
    ),
    Rule(
        Reason.REPEAT,
        repetition.repeated,
        "look at that proposal; another remedy is needed",
        requests=False,
    ),
    Rule(
        Reason.CONCURRENCY,
        reach.too_many_at_once,
        "wait until one has ended, then decide again",
        requests=False,
    ),
    Rule(
        Reason.NAMESPACE_SHARE,
        reach.too_much_of_a_namespace,
        "wait until one has ended, then decide again",
        requests=False,
    ),
    Rule(Reason.RATE_LIMIT, reach.too_fast, "wait, or raise rate in the guardrails"),
)

COUNTED_LATER: tuple[Rule, ...] = tuple(r for r in RULES if r.reason is not Reason.NAMESPACE_SHARE)
"""The rules for whoever cannot count the namespace: the share is for the cluster to answer."""


def objection(snapshot: Snapshot, rules: tuple[Rule, ...] = RULES) -> Objection | None:
    """Return the first objection to the change, None when there is none."""
    tells = snapshot.tells or (snapshot.plan is not None and snapshot.plan.tells)
    for rule in rules:
        if (snapshot.requested and not rule.requests) or (snapshot.undo and not rule.undo):
            continue
        if tells and not rule.tells:
            continue
        if detail := rule.check(snapshot):
            return Objection(rule.reason, detail, rule.hint)
    return None
