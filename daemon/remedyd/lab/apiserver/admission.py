"""What an admission check sees: the object on its way in, and who brings it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from remedyd.model.values import KubeObject

Operation = Literal["CREATE", "UPDATE", "DELETE"]


@dataclass(frozen=True, slots=True)
class AdmissionRequest:
    """One write under way; a check may change `object` in place or raise a StatusError."""

    operation: Operation
    gvr: str
    namespace: str | None
    name: str
    object: KubeObject
    old: KubeObject | None
    subresource: str | None
    dry_run: bool
    manager: str


Admission = Callable[[AdmissionRequest], None]
