"""Which of a cluster's nodes are not ready, and how many there are.

A share of nodes means something only beside their number, so the two are never told apart.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Nodes:
    """`unready` names those that are not ready; `total` counts all, None where nobody counted."""

    unready: tuple[str, ...] = ()
    total: int | None = None
