"""One lab and one daemon for all tests of a file, and an agent of each scope."""

from collections.abc import Callable

import pytest

from support.agents import Agent
from support.running import TOKENS, Running
from support.ways import lab, running

__all__ = ["agent", "lab", "running"]


@pytest.fixture
def agent(running: Running) -> Callable[..., Agent]:
    """Give an agent with the token of a role."""
    return lambda role="proposer", **more: Agent(running.url, TOKENS[role], **more)
