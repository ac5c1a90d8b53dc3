"""What a policy file may contain.

Actions are described by their own models, which are handed in: this room and `actions` do not
know each other. An action is `type` plus a member of the same name, the shape that a Kubernetes
CRD can describe and that gives one clear error where a plain union gives many.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    create_model,
    model_validator,
)

from remedyd.documents import Duration, Model, Name, Percent, PositiveDuration, format_duration
from remedyd.documents.values import DURATION_PATTERN
from remedyd.model.audit import Severity
from remedyd.model.decision import Mode

API_VERSION = "remedyd.io/v1alpha1"
KIND = "RemediationPolicy"
SCHEMA_URL = "https://json-schema.org/draft/2020-12/schema"


class SeverityName(StrEnum):
    """A severity on which a policy may act; a healthy row is never acted on."""

    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def severity(self) -> Severity:
        """Return the grade of a row that this name stands for."""
        return Severity[self.name]


class TargetKind(StrEnum):
    """A kind of workload."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"


class OnFailure(StrEnum):
    """What happens when an applied step turns out not to help.

    Stop keeps the change and ends there; Rollback undoes it; Next undoes it where it can be undone
    and goes on with the next step.
    """

    STOP = "Stop"
    NEXT = "Next"
    ROLLBACK = "Rollback"


class FailurePolicy(StrEnum):
    """How a condition that gives no answer is reported; it never matches."""

    SKIP = "Skip"
    ERROR = "Error"


Pattern = Annotated[str, Field(pattern=r"^[a-z0-9*]([-a-z0-9.*]*[a-z0-9*])?$", max_length=253)]
"""A name in which `*` stands for any characters."""

ParameterName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=63)]


def _constant(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("must be text, a number, true or false")
    return value


Constant = Annotated[
    bool | int | float | str,
    PlainValidator(_constant),
    WithJsonSchema({"type": ["boolean", "number", "string"]}),
]
"""One plain value."""


class Metadata(Model):
    """Names the policy."""

    name: Name
    """Names the policy everywhere: in proposals, metrics and the audit trail."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Yours; remedyd does not read them."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Yours; remedyd does not read them."""


class AuditRef(Model):
    """The audit whose rows the policy judges."""

    name: Name
    """The audit, as `remedyd audit list` names it."""
    severities: Annotated[tuple[SeverityName, ...], Field(min_length=1)] = (SeverityName.CRITICAL,)
    """Severities of rows that the policy acts on."""
    parameters: dict[ParameterName, Constant] = Field(default_factory=dict)
    """Constants that conditions read as `params.NAME`; the audit's query is not changed."""


class Match(Model):
    """Which workloads the policy may touch; everything named has to hold."""

    target_kinds: Annotated[tuple[TargetKind, ...], Field(min_length=1)] = tuple(TargetKind)
    """Kinds of workloads to act on."""
    namespaces: tuple[Pattern, ...] = ()
    """Namespaces to act in; empty: all."""
    exclude_namespaces: tuple[Pattern, ...] = ()
    """Namespaces never to act in."""
    names: tuple[Pattern, ...] = ()
    """Workload names to act on; empty: all."""
    exclude_names: tuple[Pattern, ...] = ()
    """Workload names never to act on."""


class ConditionSpec(Model):
    """A CEL expression over the row's columns that has to be true."""

    name: Name
    """Names the condition in decisions."""
    expression: Annotated[str, Field(min_length=1, max_length=1023)]
    """CEL that gives true or false."""


class Sustain(Model):
    """How often a row has to match before it leads to a proposal."""

    cycles: Annotated[int, Field(ge=1, le=100)] = 1
    """Runs of the audit in which the row has to match: one after the other, or, with `window`,
    within that time."""
    window: PositiveDuration | None = None
    """Counts matches within this time and tolerates runs without a match in between."""


class Verify(Model):
    """How to prove that the step helped, once its rollout is complete."""

    after: Duration = timedelta(minutes=1)
    """Time to settle after the rollout; samples from before do not count."""
    observe: Duration = timedelta(minutes=10)
    """Time over which the audit has to stay clear."""
    timeout: PositiveDuration = timedelta(hours=1)
    """Time after which a proof that has not come counts as Inconclusive."""
    minimum_samples: Annotated[int, Field(ge=1, le=10_000)] = 2
    """Readings that the proof needs; fewer are no proof."""

    @model_validator(mode="after")
    def _fits(self) -> "Verify":
        if self.after + self.observe >= self.timeout:
            raise ValueError("timeout must be longer than after and observe together")
        return self


class Limits(Model):
    """How far the policy may reach at once."""

    max_per_hour: Annotated[int, Field(ge=1, le=1_000)] = 3
    """Proposals of this policy within an hour."""
    max_targets_percent: Percent = 20
    """Share of a namespace's workloads that may match at once, at least one; above it all of
    them are held."""


class ActionSpec(Model):
    """A typed action: `type`, and the member of that name with its parameters."""

    needy: ClassVar[frozenset[str]] = frozenset()
    """Types that cannot do without parameters."""

    type: str
    """Which action."""

    @model_validator(mode="after")
    def _one_member(self) -> "ActionSpec":
        wanted = member_name(self.type)
        if extra := sorted(self.model_fields_set - {"type", wanted}):
            raise ValueError(
                f'type {self.type} takes its parameters from "{wanted}": remove "{extra[0]}"'
            )
        if self.type in self.needy and getattr(self, wanted, None) is None:
            raise ValueError(f'type {self.type} needs its parameters under "{wanted}"')
        return self


class StepSpec(Model):
    """One rung: an action, when it applies, and how it is proved."""

    name: Name
    """Names the step in proposals and in `explain`."""
    when: Annotated[str, Field(min_length=1, max_length=1023)] | None = None
    """CEL expression; the first step for which it is true is taken."""
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 2
    """How often the step may be applied to a workload within a day."""
    action: ActionSpec
    """What to do."""
    verify: Verify = Verify()
    """How to prove that it helped."""
    on_failure: OnFailure = OnFailure.ROLLBACK
    """What follows when it did not help: Stop keeps the change and ends there, Rollback undoes it,
    Next undoes it where it can be undone and goes on with the next step."""


class Spec(Model):
    """What the policy does."""

    description: str = ""
    """What the policy is for, in a sentence or two."""
    mode: Mode = Mode.PROPOSE
    """How far it goes: Disabled, DryRun (plan and record), Propose (somebody approves), Auto."""
    audit: AuditRef
    """The audit whose rows it judges."""
    match: Match = Match()
    """Which workloads it may touch."""
    match_conditions: tuple[ConditionSpec, ...] = ()
    """Conditions on the row; all have to be true."""
    sustain: Sustain = Sustain()
    """How often a row has to match first."""
    steps: Annotated[tuple[StepSpec, ...], Field(min_length=1)]
    """The ladder: the first step whose `when` is true and that has attempts left is taken."""
    cooldown: Duration = timedelta(minutes=30)
    """Time after the end of a proposal in which the policy leaves the workload alone."""
    limits: Limits = Limits()
    """How far it may reach at once."""
    approvals: Annotated[int, Field(ge=1, le=5)] = 1
    """How many different principals have to approve a proposal."""
    approvers: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] | None = None
    """Names of the principals who may approve; without it anyone with the scope, with an empty
    list nobody."""
    failure_policy: FailurePolicy = FailurePolicy.SKIP
    """How a condition without an answer is reported; it never matches."""

    @model_validator(mode="after")
    def _approvable(self) -> "Spec":
        if self.mode is Mode.AUTO and (self.approvals > 1 or self.approvers is not None):
            raise ValueError(
                "mode Auto asks nobody: remove approvals and approvers, or set Propose"
            )
        if self.approvers and len(set(self.approvers)) < self.approvals:
            raise ValueError("approvers must name at least as many principals as approvals")
        return self


class PolicyFile(Model):
    """A whole policy document."""

    api_version: Literal["remedyd.io/v1alpha1"]
    """Version of this format."""
    kind: Literal["RemediationPolicy"]
    """What the file is."""
    metadata: Metadata
    """Names the policy."""
    spec: Spec
    """What it does."""


def member_name(action_type: str) -> str:
    """Return the key under which an action's parameters stand: `Scale` -> `scale`."""
    return action_type[:1].lower() + action_type[1:]


def policy_model(actions: Mapping[str, type[BaseModel]]) -> type[PolicyFile]:
    """Return the schema of a policy that may use `actions` (type -> model of its parameters)."""
    return _policy_model(tuple(sorted(actions.items())))


@cache
def _policy_model(actions: tuple[tuple[str, type[BaseModel]], ...]) -> type[PolicyFile]:
    action = _action_model(dict(actions))
    step = create_model(
        "Step",
        __base__=StepSpec,
        __doc__=StepSpec.__doc__,
        action=(action, _like(StepSpec, "action")),
    )
    steps = Annotated[tuple[step, ...], Field(min_length=1)]
    spec = create_model(
        "Spec", __base__=Spec, __doc__=Spec.__doc__, steps=(steps, _like(Spec, "steps"))
    )
    model = create_model(
        KIND,
        __base__=PolicyFile,
        __doc__="Maps rows of an audit to an action.",
        spec=(spec, _like(PolicyFile, "spec")),
    )
    return cast("type[PolicyFile]", model)


def _like(base: type[Model], name: str) -> Any:
    """Return a required field described as the one it takes the place of."""
    return Field(..., description=base.model_fields[name].description)


def _action_model(actions: Mapping[str, type[BaseModel]]) -> type[ActionSpec]:
    names = sorted(actions)
    members: dict[str, Any] = {
        member_name(name): (actions[name] | None, Field(None, alias=member_name(name)))
        for name in names
    }
    needy = [name for name in names if not _valid_empty(actions[name])]
    kind: Any = Annotated[Literal[tuple(names)], Field(description="What to do.")]
    return create_model("Action", __base__=_base(needy), type=(kind, ...), **members)


def _base(names: list[str]) -> type[ActionSpec]:
    """Return an ActionSpec that knows, and tells editors, which types need their member."""
    rules = [
        {
            "if": {"properties": {"type": {"const": name}}},
            "then": {"required": [member_name(name)]},
        }
        for name in names
    ]
    extra: Any = {"allOf": rules} if rules else {}

    class _Action(ActionSpec):
        """A typed action: `type`, and the member of that name with its parameters."""

        model_config = ConfigDict(json_schema_extra=extra)
        needy = frozenset(names)

    return _Action


def _valid_empty(parameters: type[BaseModel]) -> bool:
    try:
        parameters.model_validate({})
    except ValidationError:
        return False
    return True


def json_schema(actions: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """Return the JSON Schema of policy files, for editors."""
    return schema_of(policy_model(actions))


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a kind of file, with durations as files write them."""
    found = model.model_json_schema(by_alias=True)
    for part in _parts(found):
        if part.get("pattern") == DURATION_PATTERN and "default" in part:
            default: timedelta = _ISO_DURATION.validate_python(part["default"])
            part["default"] = format_duration(default)
    return {"$schema": SCHEMA_URL, **found}


_ISO_DURATION = TypeAdapter(timedelta)


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping in a JSON document, outer ones first."""
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(inner, dict | list):
            yield from _parts(inner)
