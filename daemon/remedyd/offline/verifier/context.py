"""What every part of the verifier needs to know about the query at hand."""

from __future__ import annotations

from dataclasses import dataclass, field

from remedyd.offline.catalog import Catalog
from remedyd.offline.nodes import Node
from remedyd.offline.plan import Step
from remedyd.offline.verifier.parameters import Parameters
from remedyd.offline.verifier.problems import Reporter
from remedyd.offline.verifier.scope import Scope


@dataclass(slots=True)
class Context:
    """State of one verification. `now` is in milliseconds since 1970.

    `nullify` is set by `SET unmapped_fields="nullify"` and holds until a command fixes the
    columns; `gone` are names that were dropped or renamed.
    """

    reporter: Reporter
    root: Node
    parameters: Parameters
    catalog: Catalog
    stack: tuple[int, int]
    now: int
    scope: Scope = field(default_factory=Scope)
    steps: list[Step] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    hide_future: bool = False
    nullify: bool = False
    gone: set[str] = field(default_factory=set)
    limited: bool = False
    time_series: bool = False

    def missing(self, name: str) -> bool:
        """Whether an unknown column stands for an unmapped field, to be read as null."""
        return self.nullify and name not in self.gone
