"""What a Scorecard file may contain: stories, and the right answer to each."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from remedyd.actions.registry import SCHEMAS
from remedyd.documents import Duration, Model, did_you_mean
from remedyd.testing.policytest.schema import StoryFile, StorySpec, TargetText

KIND = "Scorecard"


def _action(value: str) -> str:
    if value not in SCHEMAS:
        near = did_you_mean(value, SCHEMAS) or f"; known are {', '.join(SCHEMAS)}"
        raise ValueError(f'there is no action "{value}"{near}')
    return value


ActionName = Annotated[
    str, AfterValidator(_action), Field(json_schema_extra={"enum": list(SCHEMAS)})
]
"""The type of an action."""


class MustSpec(Model):
    """Something that has to be proposed."""

    target: TargetText
    """The workload, with or without its container."""
    actions: Annotated[tuple[ActionName, ...], Field(min_length=1)]
    """What is to be done to it: any one of these is right."""
    begins: Duration = timedelta(0)
    """When the incident begins, counted from `now`; before, the proposal would be wrong."""
    by: Duration
    """The last moment at which it helps, counted from `now`."""

    @model_validator(mode="after")
    def _ordered(self) -> "MustSpec":
        if self.by < self.begins:
            raise ValueError("by is before begins")
        return self


class MaySpec(Model):
    """Something that is neither asked for nor wrong."""

    target: TargetText
    """The workload, with or without its container."""
    actions: tuple[ActionName, ...] = ()
    """What may be done to it; without it, anything."""
    since: Duration = timedelta(0)
    """From when on, counted from `now`."""
    until: Duration | None = None
    """Up to when; without it, to the end."""


class NeverSpec(Model):
    """Something that must not be proposed, whatever else is right."""

    target: TargetText | None = None
    """The workload; without it, any."""
    actions: tuple[ActionName, ...] = ()
    """What must not be done to it; without it, anything that writes, so all but Escalate."""
    since: Duration = timedelta(0)
    """From when on, counted from `now`."""
    until: Duration | None = None
    """Up to when; without it, to the end."""


class ScenarioSpec(StorySpec):
    """One incident, or a time in which nothing is wrong."""

    must: tuple[MustSpec, ...] = ()
    """What has to be proposed, and by when."""
    may: tuple[MaySpec, ...] = ()
    """What may be proposed; what is neither here nor in `must` is wrong."""
    never: tuple[NeverSpec, ...] = ()
    """What must never be proposed; it comes before `must` and `may`."""
    only: tuple[TargetText, ...] = ()
    """Graded are proposals about these workloads, where others have incidents of their own."""

    @property
    def answers(self) -> Mapping[str, Sequence[MustSpec | MaySpec | NeverSpec]]:
        """The right answer, by its keys."""
        return {"must": self.must, "may": self.may, "never": self.never}

    @model_validator(mode="after")
    def _ends(self) -> "ScenarioSpec":
        if self.rows is None and self.until is None:
            raise ValueError("over telemetry or a recording, until says when the scenario ends")
        return self


class ScorecardFile(StoryFile):
    """A whole document."""

    kind: Literal["Scorecard"]
    """`Scorecard`."""
    scenarios: Annotated[tuple[ScenarioSpec, ...], Field(min_length=1)]
    """The stories; each begins with nothing remembered."""

    @property
    def stories(self) -> tuple[str, Sequence[StorySpec]]:
        """The scenarios."""
        return "scenarios", self.scenarios
