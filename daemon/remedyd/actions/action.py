"""What every action is: a parameter schema and a pure plan from the live object.

An action never reads or writes by itself. It says what it needs to see (`reads`) and which
rights it needs (`verbs`); the planner reads, the door writes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from pydantic import ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from remedyd.cluster.access import Permission
from remedyd.documents.described import Described
from remedyd.errors import InvalidInput, Problem
from remedyd.model.plan import Plan
from remedyd.model.revision import Revision
from remedyd.model.target import Target
from remedyd.model.values import KubeObject


class Parameters(Described):
    """Base of all parameter schemas: unknown keys are mistakes, keys are camelCase in YAML."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
    )


@dataclass(frozen=True, slots=True)
class Live:
    """What an action plans from: the workload, and what its `reads` asked for."""

    workload: KubeObject
    pods: tuple[KubeObject, ...] = ()
    revisions: tuple[Revision, ...] = ()
    """The latest first."""
    autoscalers: tuple[KubeObject, ...] = ()
    ceilings: tuple["Ceiling", ...] = ()
    defaults: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    """What LimitRanges give containers that set nothing: (`limits`, `memory`) -> bytes."""
    judged: Mapping[str, bool] = field(default_factory=dict)
    """What the audits' history says of revisions by name: healthy or sick; unknown ones lack."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that one container may have of a resource, and who says so.

    `resource` is `memory` (bytes) or `cpu` (cores). `section` is what it bounds, `limits` or
    `requests` (empty: both). With `more`, `amount` is how much more than now it may have.
    """

    resource: str
    amount: Decimal
    source: str
    section: str = ""
    more: bool = False

    def most(self, now: Decimal) -> Decimal:
        """Return the most for a container that has `now`."""
        return now + self.amount if self.more else self.amount


Schema = type[Parameters]


class RevisionHistory(Protocol):
    """What the audits' history knows of earlier revisions."""

    def judged(self, target: Target, revisions: Sequence[Revision]) -> Mapping[str, bool]:
        """Return for revisions by name whether they were healthy while they ran.

        `revisions` are the workload's, latest first. Those that are not known are left out.
        """
        ...


class Action(Protocol):
    """One kind of change. `plan` is pure and raises Refused when there is nothing sound to do."""

    @property
    def type(self) -> str:
        """The name in policies: `UpdateResources`."""
        ...

    @property
    def params(self) -> Schema:
        """The schema of its parameters."""
        ...

    @property
    def kinds(self) -> frozenset[str]:
        """The workload kinds it can change."""
        ...

    @property
    def reads(self) -> frozenset[str]:
        """The kinds it must see beside the workload."""
        ...

    @property
    def verbs(self) -> tuple[Permission, ...]:
        """The rights it needs to write."""
        ...

    def plan(self, target: Target, params: Any, live: Live, now: datetime) -> Plan:
        """Return the exact change of `live` that `params` ask for; raise Refused."""
        ...


def validated(schema: type[Parameters], given: Mapping[str, Any], action: str) -> Parameters:
    """Return the parameters, checked; raise InvalidInput with every mistake."""
    try:
        return schema.model_validate(given)
    except ValidationError as error:
        problems = [
            Problem(f"{_place(mistake['loc'])}{mistake['msg'].removeprefix('Value error, ')}")
            for mistake in error.errors()
        ]
        told = "; ".join(str(problem) for problem in problems)
        raise InvalidInput(f"parameters of {action}: {told}", problems) from None


def _place(location: tuple[int | str, ...]) -> str:
    return f"{'.'.join(str(part) for part in location)}: " if location else ""
