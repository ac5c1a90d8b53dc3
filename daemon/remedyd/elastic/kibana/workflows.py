"""The workflows, in the form that the stack reads."""

from typing import Any, Final

from remedyd.elastic.kibana.wanted import HTTP, HTTP_APPROVER, Wanted, asset

PATH: Final = "/api/workflows/workflow"
NAMES: Final = ("manage", "audit-scheduled", "audit-on-alert", "approve")


def workflows(wanted: Wanted) -> list[dict[str, Any]]:
    """Return the bodies of the workflows; the approving one only for an approver."""
    wished = NAMES if wanted.approver is not None else NAMES[:-1]
    return [
        {"id": f"remedyd-{name}", "yaml": text(name, wanted.stack.workflow_form)} for name in wished
    ]


def text(name: str, form: str) -> str:
    """Return a workflow; it names its connectors, and no token."""
    found = asset(f"workflows/{form}/{name}.yaml")
    return found.replace("__http__", HTTP).replace("__approver__", HTTP_APPROVER)
