"""From a checked document to cases that can be run."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from remedyd.documents import did_you_mean, format_duration
from remedyd.documents.nodes import Location
from remedyd.errors import InvalidInput
from remedyd.policy.guardrails import Guardrails, load_guardrails
from remedyd.testing.policytest import inputs
from remedyd.testing.policytest.context import Context, Timeline
from remedyd.testing.policytest.expectations import REASONS, expectations
from remedyd.testing.policytest.objects import beside, objects
from remedyd.testing.policytest.schema import (
    CaseSpec,
    EventSpec,
    ExpectSpec,
    RowSpec,
    StorySpec,
)
from remedyd.testing.policytest.suite import Case, Event

MAX_CYCLES = 10_000


def read_case(context: Context, spec: StorySpec, loc: Location) -> Case | None:
    """Return the case of a policy test; of use only when no problem was added to the context."""
    case = read_story(context, spec, loc)
    if case is None or not isinstance(spec, CaseSpec):
        return None
    timeline = Timeline.of(context.file, spec)
    return replace(case, expected=tuple(expectations(context, spec, loc, timeline)))


def read_story(context: Context, spec: StorySpec, loc: Location) -> Case | None:
    """Return the case without what is expected of it."""
    timeline = Timeline.of(context.file, spec)
    if not _fits(context, spec, loc, timeline):
        return None
    base = context.file.fixtures.objects
    common = objects(context.document, base, ("fixtures", "objects"), context.problems)
    place = (*loc, "fixtures", "objects")
    own = objects(context.document, spec.fixtures.objects, place, context.problems)
    return Case(
        name=spec.name,
        place=context.place((*loc, "name")),
        now=timeline.now,
        cycles=timeline.cycles,
        objects=(*common, *own),
        events=_events(context, spec.events, (*loc, "events"), timeline),
        readings=inputs.readings(context, spec, (*loc, "rows"), timeline),
        telemetry=inputs.telemetry(context, spec.telemetry, (*loc, "telemetry"), timeline),
        recording=inputs.recording(context, spec, (*loc, "recording")),
        guardrails=_guardrails(context, spec, loc),
    )


def _guardrails(context: Context, spec: StorySpec, loc: Location) -> Guardrails:
    """Return the case's guardrails, the file's, or a daemon's own."""
    given, place = spec.guardrails, (*loc, "guardrails")
    if given is None:
        given, place = context.file.guardrails, ("guardrails",)
    if not isinstance(given, str):
        return given or Guardrails()
    path = beside(context.document, given)
    if not path.is_file():
        context.complain(place, f"there is no file {path}")
        return Guardrails()
    try:
        return load_guardrails(path)
    except InvalidInput as error:
        context.problems.extend(error.problems)
        return Guardrails()


def _fits(context: Context, spec: StorySpec, loc: Location, timeline: Timeline) -> bool:
    """Report times that no cycle has."""
    if timeline.last / timeline.interval > MAX_CYCLES:
        context.complain(loc, f"the case has more than {MAX_CYCLES} cycles")
        return False
    before = len(context.problems)
    if spec.until is not None:
        _fit(context, spec.until, (*loc, "until"), timeline)
    for part, items in spec.timed.items():
        for index, item in enumerate(items):
            place = (*loc, part, index)
            for key, at in _times(item):
                _fit(context, at, (*place, key), timeline)
            if item.until is not None and item.until < item.at:
                text = f"{format_duration(item.until)} is before {format_duration(item.at)}"
                context.complain((*place, "until"), text)
    for index, event in enumerate(spec.events):
        if event.at > timeline.last:
            text = f"{format_duration(event.at)} is after the last cycle of the case"
            context.complain((*loc, "events", index, "at"), text)
    return len(context.problems) == before


def _fit(context: Context, at: timedelta, place: Location, timeline: Timeline) -> None:
    """Report a time that is none of the cycles'."""
    if at % timeline.interval:
        every = format_duration(timeline.interval)
        text = f"{format_duration(at)} is not a cycle: there is one every {every}"
        context.complain(place, text)
    elif at > timeline.last:
        context.complain(place, f"{format_duration(at)} is after the last cycle of the case")


def _times(item: RowSpec | ExpectSpec) -> Iterator[tuple[str, timedelta]]:
    yield "at", item.at
    if item.until is not None:
        yield "until", item.until


def _events(
    context: Context, specs: Iterable[EventSpec], loc: Location, timeline: Timeline
) -> tuple[Event, ...]:
    found = [_event(context, spec, (*loc, i), timeline) for i, spec in enumerate(specs)]
    return tuple(sorted(found, key=lambda event: event.at))


def _event(context: Context, spec: EventSpec, place: Location, timeline: Timeline) -> Event:
    named = {
        "approve": spec.approve,
        "reject": spec.reject,
        "settle": spec.settle,
        "delete": spec.delete,
    }
    does = next((name for name, target in named.items() if target is not None), "")
    if spec.refused is not None and spec.refused not in REASONS:
        near = did_you_mean(spec.refused, REASONS)
        context.complain((*place, "refused"), f'unknown reason "{spec.refused}"{near}')
    return Event(
        at=timeline.now + spec.at,
        does=does or ("objects" if spec.objects else "pause"),
        place=context.place(place),
        target=named.get(does) or "",
        verdict=spec.verdict,
        refused=spec.refused or "",
        paused=bool(spec.pause),
        objects=objects(context.document, spec.objects, (*place, "objects"), context.problems),
    )
