"""What is remembered of nodes for a moment never leads to a write."""

from collections.abc import Iterator

import pytest

from remedyd.errors import Refused
from remedyd.lab.apiserver.messages import Request
from remedyd.lab.apiserver.server import Moment
from remedyd.lab.crowd.shape import Crowd
from remedyd.model import KubeObject, Proposal, State
from support.byhand import ANN, ByHand
from support.crowds import crowded, cycles

CROWD = Crowd(nodes=50, workloads=40, pods=160, namespaces=4, broken=3, down=1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByHand]:
    """A daemon that has just proposed three changes, and knows of one node that is not ready: of
    fifty that many are tolerated."""
    with crowded(tmp_path_factory.mktemp("stale"), CROWD) as found:
        cycles(found, "container-memory", 2)
        yield found


@pytest.fixture
def daemon(running: ByHand) -> Iterator[ByHand]:
    """The daemon, with no more than that one node not ready before and after."""
    running.lab.apiserver.requests.clear()
    yield running
    lose_a_node(running, "True")


def lose_a_node(daemon: ByHand, ready: str = "Unknown") -> None:
    """Have a node fall silent at this very moment: the daemon's clock stands still."""

    def write(node: KubeObject) -> None:
        node["status"]["conditions"][-1]["status"] = ready

    store = daemon.lab.apiserver.store
    store.mutate("v1/nodes", None, "node-00007", write, manager="kubelet", subresource="status")


def proposed(daemon: ByHand) -> Proposal:
    """Return a proposal that nobody has decided on."""
    return daemon.proposals(State.PROPOSED)[0]


def written(daemon: ByHand) -> list[str]:
    """Return the paths of what was patched for good."""
    asked = daemon.lab.apiserver.requests
    return [one.path for one in asked if one.method == "PATCH" and "dryRun" not in one.query]


def test_an_approval_looks_anew(daemon: ByHand) -> None:
    """A node that was lost since the cycle looked is a storm to whoever approves."""
    lose_a_node(daemon)
    proposal = proposed(daemon)
    with pytest.raises(Refused) as refused:
        daemon.service.approve(ANN, proposal.id, proposal.digest)
    assert refused.value.reason == "Storm"
    told = "2 of 50 nodes are not ready, at most 1: node-00000, node-00007"
    assert told in refused.value.message


def settled(daemon: ByHand) -> Proposal:
    """Approve the proposal, let it be written if it may be, and return it."""
    proposal = proposed(daemon)
    daemon.service.approve(ANN, proposal.id, proposal.digest)
    daemon.app.loop.advance(proposal.id, patience=20)
    return daemon.service.proposal(ANN, proposal.id)


def test_a_write_looks_anew(daemon: ByHand) -> None:
    """A node that is lost right after the approval has looked keeps the change from being made."""

    def lose(moment: Moment, request: Request, status: int) -> None:
        if moment is Moment.DONE and "includeObject" in request.query:
            daemon.lab.apiserver.announce = lambda *_: None
            lose_a_node(daemon)

    daemon.lab.apiserver.announce = lose
    ended = settled(daemon)
    assert written(daemon) == []
    assert ended.state is State.FAILED, ended.reason
    assert "node-00007" in ended.reason


def test_with_no_more_than_are_tolerated_it_is_written(daemon: ByHand) -> None:
    """So it was the node that stood in the way."""
    ended = settled(daemon)
    assert ended.state is not State.FAILED
    assert [path.rpartition("/")[2] for path in written(daemon)] == [ended.plan.target.name]
