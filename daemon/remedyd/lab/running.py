"""What simulated clusters and the daemon beside them share: they run inside a `with`."""

from types import TracebackType
from typing import Any, Self


class Running:
    """Something with a `start` and a `stop`."""

    def start(self) -> Any:
        """Start."""
        raise NotImplementedError

    def stop(self) -> Any:
        """Stop."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()
