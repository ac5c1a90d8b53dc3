"""How far an unfinished recording is, kept in a file beside it.

Documents are appended to one gzip file per stream, a member for each slice of time. The state
says how many bytes of it are whole: whatever lies behind was cut off and is written again.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from remedyd.errors import InvalidInput, Problem

STATE = "recording.json"


@dataclass(slots=True)
class StreamState:
    """What is written of one stream: `until` is the end of the last whole slice."""

    until: str
    documents: int = 0
    bytes: int = 0

    @property
    def reached(self) -> datetime:
        """The end of the last whole slice."""
        return datetime.fromisoformat(self.until)


@dataclass(slots=True)
class State:
    """One recording: what was asked for, and how much of it is there."""

    start: str
    end: str
    indices: list[str]
    finished: bool = False
    elasticsearch: str = ""
    streams: dict[str, StreamState] = field(default_factory=dict)

    def same_request(self, other: "State") -> bool:
        """Whether both were asked for the same documents."""
        mine = (self.start, self.end, sorted(self.indices))
        return mine == (other.start, other.end, sorted(other.indices))

    def save(self, directory: Path) -> None:
        """Replace the file in one step, so that it is never half-written."""
        path = directory / STATE
        temporary = path.with_suffix(".tmp")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


def load_state(directory: Path) -> State | None:
    """Return the state of a recording, None where there is none; raise InvalidInput."""
    path = directory / STATE
    if not path.exists():
        return None
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        streams = {name: StreamState(**one) for name, one in data.pop("streams").items()}
        return State(**data, streams=streams)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"is not the state of a recording: {error}"
        raise InvalidInput(
            f"{path} {message}",
            [Problem(message, str(path), getattr(error, "lineno", 0), 1)],
            hint="delete the directory and record again",
        ) from error
