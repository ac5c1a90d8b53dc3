"""What a PolicyTest file may contain.

One flat document per policy or behaviour: where rows come from, what the cluster looks like, what
happens to proposals meanwhile, and what has to come out.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from remedyd.documents import Duration, Model, Name, PositiveDuration
from remedyd.model import AuditOutcome, Mode, Outcome
from remedyd.policy.guardrails import Guardrails

API_VERSION = "remedyd.io/v1alpha1"
KIND = "PolicyTest"

Scalar: TypeAlias = str | int | float | bool
_TARGET = r"[A-Z][A-Za-z]+/[a-z0-9][-a-z0-9.]*/[a-z0-9][-a-z0-9.]*(\[[^\]]+\])?"


def _target(value: str) -> str:
    if re.fullmatch(_TARGET, value) is None:
        raise ValueError(f'must be Kind/namespace/name, not "{value}"')
    return value


def _zoned(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("must say its time zone, as in 2026-01-01T00:00:00Z")
    return value


Moment = Annotated[datetime, AfterValidator(_zoned)]

TargetText = Annotated[
    str, AfterValidator(_target), Field(json_schema_extra={"pattern": f"^{_TARGET}$"})
]
"""A workload as `Kind/namespace/name`, or `Kind/namespace/name[container]`."""

ObjectSource: TypeAlias = str | dict[str, Any]
"""A Kubernetes object, or the path of a file that holds some."""


def _written_as(value: Any) -> str:
    return "path" if isinstance(value, str) else "limits"


GuardrailSource: TypeAlias = Annotated[
    Annotated[str, Tag("path")] | Annotated[Guardrails, Tag("limits")], Discriminator(_written_as)
]
"""Guardrails as the path of a file, or written down like the `spec` of one."""


class Came(StrEnum):
    """What became of a row under a policy."""

    PROPOSED = "Proposed"
    """A proposal is made."""
    REFUSED = "Refused"
    """The policy proposes, but no plan can be made of it or a precheck forbids it."""
    HELD = "Held"
    """It matches, and a limit or the past holds it back."""
    SKIPPED = "Skipped"
    """It does not match."""
    ERROR = "Error"
    """Nothing can be said about it."""


class Metadata(Model):
    """Names the test."""

    name: Name
    """The test's name, the first half of what `--run` matches."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Free for your own use."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Free for your own use."""


class Fixtures(Model):
    """The cluster that plans are made from."""

    objects: tuple[ObjectSource, ...] = ()
    """Live objects, inline or in YAML or JSON files; what is left out of them is filled in."""


class RowSpec(Model):
    """What an audit returns in one cycle: one row, or an outcome without rows."""

    at: Duration
    """The cycle, counted from `now`."""
    until: Duration | None = None
    """The same in every cycle up to this one."""
    audit: Name | None = None
    """The audit; may be left out where all policies read the same one."""
    row: dict[str, Any] | None = None
    """Columns of the audit. `severity` is a word; `$same: 0` starts from the case's first row."""
    response: dict[str, Any] | str | None = None
    """All rows as Elasticsearch answered a query: its JSON, or the path of a file with it."""
    outcome: AuditOutcome | None = None
    """How the audit ends instead, such as Partial or Stale."""

    @model_validator(mode="after")
    def _one(self) -> "RowSpec":
        given = [self.row, self.response, self.outcome]
        if sum(value is not None for value in given) != 1:
            raise ValueError("give exactly one of row, response and outcome")
        if self.outcome is AuditOutcome.OK:
            raise ValueError("outcome Ok has rows: give them")
        return self


class SeriesSpec(Model):
    """One metric of one resource over time."""

    metric: Annotated[str, Field(min_length=1)]
    """Its name in OpenTelemetry, such as `k8s.container.restarts`."""
    values: Annotated[str, Field(min_length=1)]
    """Samples one step apart, as `10+10x2 30 _x3 stale`."""
    resource: dict[str, Scalar] = Field(default_factory=dict)
    """Resource attributes, added to those of the whole telemetry."""
    attributes: dict[str, Scalar] = Field(default_factory=dict)
    """Attributes of the data points."""
    stream: str | None = None
    """The data stream; known for the metrics of the kubelet and cluster receivers."""
    unit: str | None = None
    """The unit; metrics of different units lie in different documents."""


class TelemetrySpec(Model):
    """Telemetry that the audits run over."""

    before: Duration | None = None
    """How long before `now` the series begin; without it, the longest audit window and lag."""
    step: PositiveDuration = timedelta(seconds=30)
    """Time between two samples."""
    resource: dict[str, Scalar] = Field(default_factory=dict)
    """Resource attributes of every series."""
    series: Annotated[tuple[SeriesSpec, ...], Field(min_length=1)]
    """The metrics, one series for each combination of metric and resource."""


class EventSpec(Model):
    """Something that happens between cycles; before the cycle where the time is the same."""

    at: Duration
    """When, counted from `now`; it need not be a cycle."""
    approve: TargetText | None = None
    """The workload's open proposal is approved and applied."""
    reject: TargetText | None = None
    """The workload's open proposal is rejected."""
    refused: str | None = None
    """With `approve`: the approval is refused by this guardrail, and the proposal keeps waiting."""
    settle: TargetText | None = None
    """The applied proposal gets its `verdict`."""
    verdict: Outcome | None = None
    """Goes with `settle`, or with `approve` where change and verdict come at once."""
    pause: bool | None = None
    """remedyd is paused, or resumed where it is `false`."""
    objects: tuple[ObjectSource, ...] = ()
    """Live objects that are new or different from now on."""
    delete: TargetText | None = None
    """The workload is deleted."""

    @model_validator(mode="after")
    def _one(self) -> "EventSpec":
        given = [self.approve, self.reject, self.settle, self.delete, self.pause]
        if sum(value is not None for value in (*given, self.objects or None)) != 1:
            names = "approve, reject, settle, delete, pause and objects"
            raise ValueError(f"give exactly one of {names}")
        if self.settle and self.verdict is None:
            raise ValueError("settle needs a verdict")
        if self.verdict is not None and not (self.settle or self.approve):
            raise ValueError("a verdict goes with settle or approve")
        if self.refused is not None and (not self.approve or self.verdict is not None):
            raise ValueError("refused goes with approve, and without a verdict")
        return self


class ExpectSpec(Model):
    """One outcome that has to come; what is left out may be anything."""

    at: Duration
    """The cycle, counted from `now`."""
    until: Duration | None = None
    """The same in every cycle up to this one."""
    policy: Name | None = None
    """The policy; may be left out where there is one."""
    outcome: Came
    """What came of a row."""
    target: TargetText | None = None
    """The workload, with or without its container."""
    reason: str | None = None
    """The reason code, such as `Sustain` or `Cooldown`."""
    condition: str | None = None
    """The condition that decided."""
    step: Name | None = None
    """The step that is proposed."""
    precheck: str | None = None
    """The precheck that blocked the plan."""
    mode: Mode | None = None
    """How far it would go: an annotation may allow less than the policy."""
    patch: dict[str, Any] | str | None = None
    """The whole patch, inline or as the path of a file."""


class StorySpec(Model):
    """What happens, to whom, and where the rows come from."""

    name: Annotated[str, Field(min_length=1)]
    """A sentence about what has to hold; once in a file."""
    now: Moment | None = None
    """Overrides the file's `now`."""
    interval: PositiveDuration | None = None
    """Overrides the file's `interval`."""
    until: Duration | None = None
    """The last cycle; without it, the last one that anything in the case speaks of."""
    fixtures: Fixtures = Fixtures()
    """Objects beside those of the file; one of the same name takes the other's place."""
    guardrails: GuardrailSource | None = None
    """In place of the file's guardrails."""
    rows: tuple[RowSpec, ...] | None = None
    """What the audits return, cycle by cycle; in a cycle without rows an audit does not run."""
    others: Annotated[int, Field(ge=0, le=1000)] = 0
    """Healthy workloads that the audits show beside the rows, in each namespace."""
    telemetry: TelemetrySpec | None = None
    """Metrics, over which the audits' queries run in every cycle."""
    recording: str | None = None
    """Directory of recorded telemetry, relative to this file; the queries run over it."""
    events: tuple[EventSpec, ...] = ()
    """What happens to proposals and objects meanwhile."""

    @property
    def timed(self) -> Mapping[str, Sequence[RowSpec | ExpectSpec]]:
        """The lists whose items name cycles."""
        return {"rows": self.rows or ()}

    @model_validator(mode="after")
    def _one_source(self) -> "StorySpec":
        given = [self.rows, self.telemetry, self.recording]
        if sum(value is not None for value in given) != 1:
            raise ValueError("give exactly one of rows, telemetry and recording")
        if self.others and self.rows is None:
            raise ValueError("others goes with rows")
        return self


class CaseSpec(StorySpec):
    """One story."""

    expect: tuple[ExpectSpec, ...]
    """Everything that is proposed, refused or in error has to be in here; `[]` for nothing."""

    @property
    def timed(self) -> Mapping[str, Sequence[RowSpec | ExpectSpec]]:
        """The lists whose items name cycles."""
        return {**super().timed, "expect": self.expect}


class StoryFile(Model):
    """What files of stories have in common."""

    api_version: Literal["remedyd.io/v1alpha1"]
    """`remedyd.io/v1alpha1`."""
    kind: str
    """What the stories are for."""
    metadata: Metadata
    """The name, and labels of your own."""
    policies: tuple[str, ...] = ()
    """Policy files or directories, relative to this file; without it, the shipped ones."""
    audits: tuple[str, ...] = ()
    """Directories of audits, relative to this file; without it, the shipped ones."""
    cluster: str = ""
    """This cluster's name in telemetry."""
    now: Moment
    """The time of the first cycle."""
    interval: PositiveDuration = timedelta(minutes=1)
    """Time between cycles."""
    fixtures: Fixtures = Fixtures()
    """Objects for every case."""
    guardrails: GuardrailSource | None = None
    """Guardrails to test with; without it, the ones that a daemon has by default."""

    @property
    def stories(self) -> tuple[str, Sequence[StorySpec]]:
        """The key under which the stories stand, and the stories."""
        raise NotImplementedError


class PolicyTestFile(StoryFile):
    """A whole test document."""

    kind: Literal["PolicyTest"]
    """`PolicyTest`."""
    policies: Annotated[tuple[str, ...], Field(min_length=1)]
    """Policy files or directories, relative to this file."""
    cases: Annotated[tuple[CaseSpec, ...], Field(min_length=1)]
    """The stories; each begins with nothing remembered."""

    @property
    def stories(self) -> tuple[str, Sequence[StorySpec]]:
        """The cases."""
        return "cases", self.cases
