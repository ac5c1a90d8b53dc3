"""The arguments that several tools share, described once."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from remedyd.actions.registry import ACTIONS

ASKABLE = tuple(name for name in ACTIONS if name != "Status")

Id = Annotated[str, Field(min_length=1, max_length=100, description="A proposal's id")]
Namespace = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        description="The workload's namespace; ask your user when you do not know it",
    ),
]
Kind = Annotated[
    str,
    Field(
        pattern=r"^[A-Z][A-Za-z]{0,62}$",
        description="The workload's kind: Deployment, StatefulSet or DaemonSet",
    ),
]
Name = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$",
        description="The workload's name, such as checkout",
    ),
]
Comment = Annotated[
    str, Field(max_length=2000, description="Why, in a sentence; it stays in the history")
]
Behalf = Annotated[
    str,
    Field(
        max_length=200,
        description="The user you act for: recorded beside your own name, never trusted",
    ),
]
Limit = Annotated[int, Field(ge=1, le=100, description="The most to give back")]
Action = Annotated[
    str,
    Field(max_length=63, description="What to do", json_schema_extra={"enum": list(ASKABLE)}),
]
Seconds = Annotated[
    int, Field(ge=0, le=30, description="Wait this long for it to move on before answering")
]
State = Annotated[
    str,
    WithJsonSchema({"type": "string"}),
    Field(description="Only this state, such as Proposed or Effective; left out: any"),
]
