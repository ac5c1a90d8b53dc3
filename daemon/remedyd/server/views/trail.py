"""Events, the trail they make, and refused attempts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from remedyd.model import Event
from remedyd.proposals.refusals import Refusal
from remedyd.proposals.trail import Entry
from remedyd.server.views import examples


class EventView(BaseModel):
    """One line of a proposal's history."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.EVENT]})

    sequence: int
    at: datetime
    action: str
    state: str
    principal: str
    detail: str
    data: dict[str, Any]


class EntryView(EventView):
    """An event with its place in the trail and what its proposal is about."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ENTRY]})

    position: int
    proposal: str
    namespace: str
    workload: str
    policy: str


class TrailView(BaseModel):
    """Events, newest first; pass `before` on for the following page, 0 at the end."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [examples.ENTRY], "before": 0}]}
    )

    items: list[EntryView]
    before: int


class RefusalView(BaseModel):
    """What a known caller tried, and why not; `outcome` is a stable code."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.REFUSAL]})

    position: int
    at: datetime
    principal: str
    operation: str
    outcome: str
    detail: str
    namespace: str
    proposal: str
    on_behalf_of: str
    source: str
    request_id: str


class RefusalsView(BaseModel):
    """Refused attempts, newest first; pass `before` on for the following page, 0 at the end."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [examples.REFUSAL], "before": 0}]}
    )

    items: list[RefusalView]
    before: int


def event_view(event: Event) -> EventView:
    """Show one line of history."""
    return EventView(**_event(event))


def entry_view(entry: Entry) -> EntryView:
    """Show one line of the trail."""
    return EntryView(
        **_event(entry.event),
        position=entry.position,
        proposal=entry.event.proposal,
        namespace=entry.namespace,
        workload=entry.workload,
        policy=entry.policy,
    )


def refusal_view(refusal: Refusal) -> RefusalView:
    """Show a refused attempt."""
    return RefusalView(**{name: getattr(refusal, name) for name in RefusalView.model_fields})


def _event(event: Event) -> Mapping[str, Any]:
    return {
        "sequence": event.sequence,
        "at": event.at,
        "action": event.action,
        "state": event.state.value,
        "principal": event.principal,
        "detail": event.detail,
        "data": event.data,
    }
