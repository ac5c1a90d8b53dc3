"""The whole examination, in the order in which the parts depend on each other."""

from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

from remedyd import rights
from remedyd.actions.registry import SCHEMAS
from remedyd.audits.definition import AuditDefinition
from remedyd.audits.loader import load_audits
from remedyd.doctor.elasticsearch import elasticsearch
from remedyd.doctor.finding import Finding, Part
from remedyd.doctor.kubernetes import kubernetes
from remedyd.doctor.store import store
from remedyd.doctor.trail import trail
from remedyd.errors import IdentityUnavailable, InvalidInput, RemedydError
from remedyd.model import Clock
from remedyd.policy.guardrails import load_guardrails
from remedyd.policy.loader import load_policies
from remedyd.policy.policy import PolicySet
from remedyd.rights import Use
from remedyd.server.callers import authenticator
from remedyd.settings import Settings

_PART: Final = Part("configuration")
_FIX: Final = "correct the places named"


def examine(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Yield every finding about a daemon with these settings; raises nothing."""
    audits: Sequence[AuditDefinition] = ()
    policies = PolicySet()
    try:
        loaded = load_audits(settings.audits)
        audits = tuple(loaded.values())
        yield _PART.ok("audits", f"{len(audits)} are valid")
        policies = load_policies(settings.policies, audits=loaded.specs, actions=SCHEMAS)
        yield _policies(policies)
    except InvalidInput as error:
        yield from _mistakes("policies and audits", error)
    if settings.guardrails is not None:
        try:
            load_guardrails(settings.guardrails)
            yield _PART.ok("guardrails", f"{settings.guardrails} is valid")
        except InvalidInput as error:
            yield from _mistakes("guardrails", error)
    yield _callers(settings, clock)
    yield from store(settings.database_url)
    requested: tuple[Use, ...] = ()
    try:
        asked = settings.rights
        requested = rights.requested(asked.requested_actions, asked.requested_namespaces)
    except InvalidInput as error:
        yield from _mistakes("rights.requested_actions", error)
    yield from kubernetes(settings, [*rights.uses(policies.values()), *requested], clock)
    needed = policies.audits | {audit.name for audit in audits if audit.gate}
    yield from elasticsearch(settings, [a for a in audits if a.name in needed], clock)
    yield from trail(settings)


def _policies(policies: PolicySet) -> Finding:
    modes = ", ".join(f"{one.name} ({one.mode.value})" for one in policies.values())
    if not policies.audits:
        fix = "enable a policy: mode Propose, DryRun or Auto"
        return _PART.warn("policies", f"none is enabled: {modes or 'there is none'}", fix)
    return _PART.ok("policies", modes)


def _callers(settings: Settings, clock: Clock) -> Finding:
    """Say whether somebody could call the daemon; who vouches for them is not asked."""
    try:
        authenticator(settings.server, clock, _nobody)
    except RemedydError as error:
        problems = error.problems if isinstance(error, InvalidInput) else ()
        told = "; ".join(map(str, problems)) or error.message
        return _PART.fail("callers", told, error.hint or "see docs/authentication.md")
    return _PART.ok("callers", "tokens and other ways in are valid")


def _nobody() -> NoReturn:
    raise IdentityUnavailable("not asked here")


def _mistakes(check: str, error: InvalidInput) -> Iterator[Finding]:
    for text in [str(problem) for problem in error.problems] or [error.message]:
        yield _PART.fail(check, text, _FIX)
