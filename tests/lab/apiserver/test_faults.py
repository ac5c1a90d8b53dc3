"""Scripted faults of the API server and its request log."""

from http.client import HTTPException, RemoteDisconnected

import pytest

from remedyd.lab.apiserver import apifaults
from remedyd.lab.apiserver.apifaults import Fault
from remedyd.lab.apiserver.messages import Request
from remedyd.lab.apiserver.server import Moment
from support.apiserver import DEPLOYMENTS, STRATEGIC, Client, deployment, running

PATH = f"{DEPLOYMENTS}/web"
CHANGE = {"spec": {"replicas": 7}}


def test_fault_is_answered_as_often_as_asked_and_then_no_more() -> None:
    """A fault with `times=2` refuses two matching requests and lets the third through."""
    with running() as (server, client):
        client("POST", DEPLOYMENTS, deployment())
        server.faults.add(Fault("PATCH", "/web$", times=2, error=apifaults.too_many(3)))
        answers = [client("PATCH", PATH, CHANGE, type_=STRATEGIC) for _ in range(3)]
        assert [each.status for each in answers] == [429, 429, 200]
        assert answers[0].headers["Retry-After"] == "3"


def test_fault_leaves_other_requests_alone() -> None:
    """Only requests that match method, path and query meet the fault."""
    with running() as (server, client):
        client("POST", DEPLOYMENTS, deployment())
        server.faults.add(Fault("PATCH", error=apifaults.internal(), query={"dryRun": "All"}))
        assert client("GET", PATH).status == 200
        assert client("PATCH", PATH, CHANGE, type_=STRATEGIC).status == 200
        assert client("PATCH", PATH, CHANGE, type_=STRATEGIC, dryRun="All").status == 500


def test_write_can_land_although_the_connection_breaks() -> None:
    """With `after_write` and `hang_up` the change is stored and no answer comes."""
    with running() as (server, client):
        client("POST", DEPLOYMENTS, deployment())
        server.faults.add(Fault("PATCH", after_write=True, hang_up=True))
        with pytest.raises((HTTPException, ConnectionError)):
            client("PATCH", PATH, CHANGE, type_=STRATEGIC)
        other = Client(server)
        assert other("GET", PATH).body["spec"]["replicas"] == 7
        other.close()


def test_connection_can_break_before_the_write() -> None:
    """With `hang_up` alone nothing is stored."""
    with running() as (server, client):
        client("POST", DEPLOYMENTS, deployment())
        server.faults.add(Fault("PATCH", hang_up=True))
        with pytest.raises((RemoteDisconnected, ConnectionError)):
            client("PATCH", PATH, CHANGE, type_=STRATEGIC)
        other = Client(server)
        assert other("GET", PATH).body["spec"]["replicas"] == 2
        other.close()


def test_answer_can_be_an_error_although_the_write_landed() -> None:
    """With `after_write` and an error the client is told of a failure that was none."""
    with running() as (server, client):
        client("POST", DEPLOYMENTS, deployment())
        server.faults.add(Fault("PATCH", after_write=True, error=apifaults.internal()))
        assert client("PATCH", PATH, CHANGE, type_=STRATEGIC).status == 500
        assert client("GET", PATH).body["spec"]["replicas"] == 7


def test_body_can_trickle() -> None:
    """A slow body arrives whole."""
    with running() as (server, client):
        server.faults.add(Fault("GET", "/version", slow=0.0001))
        assert client("GET", "/version").body["minor"] == "36"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (apifaults.conflict("deployments", "apps", "web"), 409),
        (apifaults.unavailable(), 503),
        (apifaults.webhook_denied("policy.example.com", "no"), 403),
        (apifaults.webhook_timeout("policy.example.com"), 500),
        (apifaults.forbidden("deployments", "apps", "web", "no"), 403),
    ],
)
def test_refusals_carry_a_status(error: apifaults.StatusError, status: int) -> None:
    """Each ready-made error is a Status body with its code."""
    with running() as (server, client):
        server.faults.add(Fault(error=error))
        answer = client("GET", "/version")
        assert (answer.status, answer.body["kind"], answer.body["code"]) == (
            status, "Status", status
        )  # fmt: skip


def test_requests_are_logged() -> None:
    """The log holds method, path, query, agent, body and status, in order."""
    with running() as (server, client):
        client("POST", DEPLOYMENTS, deployment())
        client("PATCH", PATH, CHANGE, type_=STRATEGIC, dryRun="All")
        logged = [each for each in server.requests if each.method == "PATCH"]
        assert len(logged) == 1
        assert (logged[0].path, logged[0].query, logged[0].body, logged[0].status) == (
            PATH, {"dryRun": ["All"]}, CHANGE, 200
        )  # fmt: skip
        assert logged[0].user_agent == "tests/1"


def test_cleared_faults_are_gone() -> None:
    """`clear` forgets what is in wait."""
    with running() as (server, client):
        server.faults.add(Fault(error=apifaults.internal(), times=9))
        server.faults.clear()
        assert client("GET", "/version").status == 200


def test_each_moment_of_a_request_is_announced_while_it_lasts() -> None:
    """At its head nothing is read, read whole nothing is done, done nothing is answered."""
    told: list[tuple[Moment, int, bytes, int]] = []
    with running() as (server, client):
        client("POST", DEPLOYMENTS, deployment())

        def heard(moment: Moment, request: Request, status: int) -> None:
            found = server.store.peek("apps/v1/deployments", "shop", "web") or {"spec": {}}
            told.append((moment, found["spec"]["replicas"], request.body, status))

        server.announce = heard
        client("PATCH", PATH, CHANGE, type_=STRATEGIC)
    body = told[-1][2]
    assert told == [
        (Moment.BEGUN, 2, b"", 0), (Moment.READ, 2, body, 0), (Moment.DONE, 7, body, 200),
    ]  # fmt: skip
