"""From a checked document to scenarios that can be graded."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta

from remedyd.documents import format_duration
from remedyd.documents.nodes import Location
from remedyd.testing.policytest.cases import read_story
from remedyd.testing.policytest.context import Context
from remedyd.testing.policytest.loading import Genre
from remedyd.testing.policytest.schema import StorySpec
from remedyd.testing.policytest.suite import Case, Place
from remedyd.testing.scorecard.schema import (
    KIND,
    MaySpec,
    MustSpec,
    NeverSpec,
    ScenarioSpec,
    ScorecardFile,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has to be proposed, and where that is written."""

    spec: MustSpec
    place: Place


@dataclass(frozen=True, slots=True)
class Scenario(Case):
    """A case with its right answer."""

    must: tuple[Wanted, ...] = ()
    may: tuple[MaySpec, ...] = ()
    never: tuple[NeverSpec, ...] = ()
    only: tuple[str, ...] = ()


def read_scenario(context: Context, spec: StorySpec, loc: Location) -> Scenario | None:
    """Return the scenario; of use only when no problem was added to the context."""
    case = read_story(context, spec, loc)
    if case is None or not isinstance(spec, ScenarioSpec):
        return None
    last = case.offset(case.cycles[-1])
    for key, entries in spec.answers.items():
        for index, entry in enumerate(entries):
            for name, at in _times(entry):
                if at > last:
                    text = f"{format_duration(at)} is after the last cycle of the scenario"
                    context.complain((*loc, key, index, name), text)
    return Scenario(
        **{one.name: getattr(case, one.name) for one in fields(case)},
        must=tuple(
            Wanted(one, context.place((*loc, "must", i))) for i, one in enumerate(spec.must)
        ),
        may=spec.may,
        never=spec.never,
        only=spec.only,
    )


def _times(entry: MustSpec | MaySpec | NeverSpec) -> Iterator[tuple[str, timedelta]]:
    named = ("by", "begins", "since", "until")
    found = ((name, getattr(entry, name, None)) for name in named)
    return ((name, at) for name, at in found if at is not None)


SCORECARDS = Genre(KIND, "scorecards", "scenarios", ScorecardFile, read_scenario)
