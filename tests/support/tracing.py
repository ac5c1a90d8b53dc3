"""One proposal from its making to its proof, for whoever looks at the spans."""

from pathlib import Path

from remedyd.model import State
from support.daemons import Daemon
from support.fakecluster import cluster
from support.proposals import ALICE, a_clock


def life(folder: Path) -> str:
    """Return the id of a proposal that was made, approved, applied and proved."""
    daemon = Daemon(folder, cluster("web"), a_clock())
    proposal = daemon.propose("web")
    assert proposal is not None
    daemon.approve(proposal, ALICE)
    ended = daemon.settle(proposal.id)
    assert ended.state is State.EFFECTIVE, ended.state
    daemon.close()
    return proposal.id
