"""Lines of the log that cannot be written are counted, and nothing else comes of it."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from remedyd.observability import logs

PROGRAM = """
import sys
from remedyd.observability import logs
logs.configure("INFO", "ecs", secrets=["s3cret"])
for number in range(300):
    logs.get("test").info("a line with s3cret in it", number=number)
open(sys.argv[1], "w").write(str(logs.trouble()))
"""


class Clogged(StringIO):
    """A stream that takes nothing for a while."""

    open = False

    def write(self, text: str) -> int:
        """Take the text, or fail as a full disk does."""
        if not self.open:
            raise OSError(28, "No space left on device")
        return super().write(text)


@pytest.fixture
def clogged() -> Iterator[Clogged]:
    """A log on a stream that takes nothing yet."""
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    stream = Clogged()
    logs.configure("INFO", "ecs", stream)
    yield stream
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def test_lost_lines_are_counted_and_told_of(clogged: Clogged) -> None:
    """While they are lost it is a notice of `/readyz`; afterwards the log says how many."""
    for number in range(3):
        logging.getLogger("x").warning(f"line {number} is lost")
    assert logs.trouble() == [
        "log: 3 lines could not be written: [Errno 28] No space left on device"
    ]
    clogged.open = True
    logging.getLogger("x").warning("written")
    first, second = clogged.getvalue().splitlines()
    assert '"written"' in first
    assert '"3 lines of this log were lost: [Errno 28] No space left on device"' in second
    assert logs.trouble() == []


@pytest.mark.parametrize("where", ["full", "hung up", "closed"])
def test_a_log_that_cannot_be_written_ends_nothing(where: str, tmp_path: Path) -> None:
    """On a full disk, into a pipe that nobody reads, to no stream at all: work goes on quietly."""
    told = tmp_path / "told"
    out: int | None = None
    if where == "full":
        out = os.open("/dev/full", os.O_WRONLY)
    elif where == "hung up":
        reading, out = os.pipe()
        os.close(reading)
    command = [sys.executable, "-c", PROGRAM, str(told)]
    if where == "closed":
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, check=False)
    if out is not None:
        os.close(out)
    assert ("300 lines" in told.read_text()) is (where != "closed")
    assert "s3cret" not in done.stderr
    assert done.stderr.count("\n") <= 5, done.stderr
