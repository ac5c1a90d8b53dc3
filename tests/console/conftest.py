"""One lab and one daemon for all tests of the console's pages."""

from collections.abc import Iterator

import pytest

from support.console import Visitor
from support.running import Running
from support.ways import lab, running

__all__ = ["lab", "running"]


@pytest.fixture
def visitor(running: Running) -> Iterator[Visitor]:
    """Somebody who has not signed in."""
    with Visitor(running.url) as someone:
        yield someone


@pytest.fixture
def approver(visitor: Visitor) -> Visitor:
    """Somebody who may approve."""
    assert visitor.sign_in("approver").status_code == 303
    return visitor
