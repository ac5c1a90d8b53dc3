"""The flags in front of the command: kept apart, so that `--help` loads nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which daemon, as the flags say; "" where one was not given."""

    context: str = ""
    url: str = ""
    token_file: str = ""
    ca: str = ""


_chosen = Chosen()


def choose(chosen: Chosen) -> None:
    """Remember the flags of this run."""
    global _chosen
    _chosen = chosen


def chosen() -> Chosen:
    """Return the flags of this run."""
    return _chosen
