"""What a guardrails file may contain: how far remedyd as a whole may go, whatever policies say.

Everything has a default that an SRE would choose for a first week in Auto, so that no file is
needed; a file only says what is to be different.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from remedyd.documents import Allowance, Model, Name, Percent, PositiveDuration
from remedyd.policy.guardrails.windows import Window
from remedyd.policy.schema import Pattern

KIND = "Guardrails"
HISTORY = timedelta(days=7)
"""How far back changes are remembered."""

_TOLERATED = Allowance(percent=Decimal(2))
_Count = Annotated[int, Field(ge=1, le=1_000)]


class Cooldown(Model):
    """How long a target is left alone after a change, longer with each failure."""

    initial: PositiveDuration = timedelta(hours=1)
    """After a change that helped."""
    factor: Annotated[float, Field(ge=1, le=10)] = 2
    """By how much each failure in a row lengthens it."""
    longest: PositiveDuration = timedelta(hours=16)
    """However many failures."""

    @model_validator(mode="after")
    def _ordered(self) -> "Cooldown":
        if self.longest < self.initial:
            raise ValueError("longest must not be shorter than initial")
        return self

    def after(self, failures: int) -> timedelta:
        """Return how long to wait after a change when `failures` in a row did not help."""
        seconds = self.initial.total_seconds() * self.factor ** min(failures, 64)
        return timedelta(seconds=min(seconds, self.longest.total_seconds()))


class Rate(Model):
    """How many changes may be written within an hour."""

    per_hour: _Count = 10
    """In the whole cluster."""
    per_namespace: _Count = 10
    """In each namespace."""


class Storm(Model):
    """When so much is wrong at once that there must be one cause, and nobody writes."""

    workloads_percent: Percent = 30
    """Share of a namespace's workloads that are critical at once; above it is a storm."""
    minimum_workloads: _Count = 3
    """Fewer critical workloads are no storm, however small the namespace."""
    nodes_not_ready: Annotated[
        Allowance, Field(json_schema_extra={"default": _TOLERATED.written()})
    ] = _TOLERATED
    """Nodes that may be not ready: a number, or a percentage of all nodes, rounded down."""
    calm: PositiveDuration = timedelta(minutes=10)
    """Time without a sign of it after which a storm is over."""


class Guardrails(Model):
    """The limits of remedyd as a whole; every one has a default."""

    cooldown: Cooldown = Cooldown()
    """How long a target is left alone after a change."""
    quarantine_after: Annotated[int, Field(ge=1, le=100)] = 3
    """Failures in a row after which a target is set aside until a person lifts it."""
    rate: Rate = Rate()
    """How many changes may be written within an hour."""
    concurrency: _Count = 3
    """Changes under way at once: approved and not yet proved or taken back."""
    workloads_percent: Percent = 20
    """Share of a namespace's workloads under change at once, at least one."""
    storm: Storm = Storm()
    """When so much is wrong at once that nobody writes."""
    repeat: Annotated[PositiveDuration, Field(le=HISTORY)] = HISTORY
    """Time in which a change that did not help is not proposed again in the same size."""
    protected_namespaces: tuple[Pattern, ...] = ("kube-system", "kube-public", "kube-node-lease")
    """Namespaces in which nothing is written; remedyd's own is always one of them."""
    windows: tuple[Window, ...] = ()
    """Times in which nothing, or only then something, may be written."""
    undo_while_paused: bool = False
    """Whether an undo that is due is written during a pause; else it waits until it is over."""

    @model_validator(mode="after")
    def _named_once(self) -> "Guardrails":
        names = [window.name for window in self.windows]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f'the window "{twice}" is there twice')
        return self

    def protecting(self, namespace: str) -> "Guardrails":
        """Return the same with one more protected namespace; an empty name adds none."""
        if not namespace or namespace in self.protected_namespaces:
            return self
        protected = (*self.protected_namespaces, namespace)
        return self.model_copy(update={"protected_namespaces": protected})


class Metadata(Model):
    """Names the file."""

    name: Name
    """Yours; told when the file is read."""


class GuardrailsFile(Model):
    """A whole guardrails document."""

    api_version: Literal["remedyd.io/v1alpha1"]
    """Version of this format."""
    kind: Literal["Guardrails"]
    """What the file is."""
    metadata: Metadata
    """Names the file."""
    spec: Guardrails = Guardrails()
    """The limits that are to be different from their defaults."""
