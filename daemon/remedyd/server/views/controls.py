"""The kill switch, and what is set aside."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from remedyd.model import Hold
from remedyd.proposals.flags import Flag

_PAUSED: JsonDict = {
    "paused": True,
    "at": "2026-11-05T12:00:00Z",
    "principal": "ann",
    "reason": "looking into last night",
}
_HOLD: JsonDict = {
    "id": "01m82yjdbz28c1ps1fwsh6ztct",
    "kind": "Quarantine",
    "subject": "prod/shop/Deployment/checkout",
    "since": "2026-11-05T12:00:00Z",
    "detail": "3 changes in a row did not help",
    "data": {},
    "ended_at": None,
    "ended_by": "",
    "end_reason": "",
}


class PauseView(BaseModel):
    """Whether writes are paused: since when, by whom and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PAUSED]})

    paused: bool
    at: datetime | None = None
    principal: str = ""
    reason: str = ""


class HoldView(BaseModel):
    """A quarantine or a storm; it is in force while `ended_at` is null."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HOLD]})

    id: str
    kind: str
    subject: str
    since: datetime
    detail: str
    data: dict[str, Any]
    ended_at: datetime | None
    ended_by: str
    end_reason: str


def pause_view(flag: Flag | None) -> PauseView:
    """Show the switch."""
    if flag is None:
        return PauseView(paused=False)
    return PauseView(paused=True, at=flag.at, principal=flag.principal, reason=flag.reason)


def hold_view(hold: Hold) -> HoldView:
    """Show a hold."""
    return HoldView(
        id=hold.id,
        kind=hold.kind.value,
        subject=hold.subject,
        since=hold.since,
        detail=hold.detail,
        data=dict(hold.data),
        ended_at=hold.ended_at,
        ended_by=hold.ended_by,
        end_reason=hold.end_reason,
    )
