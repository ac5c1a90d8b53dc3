"""What exactly would be written, what it means, and how it is taken back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from remedyd.model.target import Target
from remedyd.model.values import Json, KubeObject, sha256

ESCALATE: Final = "Escalate"
"""The action that tells a person; rules that are about writes leave it alone."""


class PrecheckResult(StrEnum):
    """A precheck's word; `Block` forbids the write."""

    PASS = "Pass"  # noqa: S105 - a verdict, not a password
    WARN = "Warn"
    BLOCK = "Block"


@dataclass(frozen=True, slots=True)
class Precheck:
    """One thing that was looked at before asking anyone."""

    name: str
    result: PrecheckResult
    evidence: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field with its value before and after; `path` is readable and stable.

    Example path: `spec.template.spec.containers[app].resources.limits.memory`. None: absent.
    A field of a pod of the target starts with `pods[name].`.
    """

    path: str
    old: Json
    new: Json


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch body and where it goes; `content_type` as HTTP names it.

    `kind`, `name` and `uid` name the object written when it is not the target itself (its
    HorizontalPodAutoscaler, one of its pods); empty: the target.
    """

    body: KubeObject
    content_type: str = "application/strategic-merge-patch+json"
    subresource: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """An action computed from the live object. `changes` empty: nothing to write (read only).

    `resource_version` is the one the plan was computed from. `undo` restores exactly our fields.
    `dry_run` is the API server's answer to the same patch with `dryRun=All` ("" when not asked).
    """

    target: Target
    action: str
    params: Mapping[str, Any]
    changes: tuple[FieldChange, ...]
    patch: Patch | None
    undo: Patch | None
    diff: str
    consequence: str
    resource_version: str = ""
    prechecks: tuple[Precheck, ...] = ()
    dry_run: str = ""
    pods: tuple[Patch, ...] = ()
    """Writes to single pods (in-place resizes) that come before `patch`."""

    @property
    def blocked(self) -> tuple[Precheck, ...]:
        """Return the prechecks that forbid the write."""
        return tuple(p for p in self.prechecks if p.result is PrecheckResult.BLOCK)

    @property
    def tells(self) -> bool:
        """Whether it writes nothing and calls a person instead: nobody has to approve that."""
        return self.patch is None and self.action == ESCALATE

    @property
    def fingerprint(self) -> str:
        """Hash the fields to change with old and new values; the resourceVersion is left out."""
        return sha256(
            {
                "uid": self.target.uid,
                "action": self.action,
                "changes": [[c.path, c.old, c.new] for c in self.changes],
            }
        )


@dataclass(frozen=True, slots=True)
class Applied:
    """What a write left in the cluster, read back from the API server's answer."""

    at: datetime
    resource_version: str
    generation: int
    replayed: bool = False
    """Found by its annotation after a crash instead of written now."""
    differences: tuple[FieldChange, ...] = ()
    """Fields that landed otherwise than planned (old: planned, new: found), as by a webhook."""
    recorded: bool = False
    """Nothing was written: a dry run recorded what would have been."""
    assumed: bool = False
    """Nobody knows whether it was written; it counts as if it were."""
