"""Whatever Elasticsearch does: a named outcome, no proposal, and work goes on once it is well."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
import stamina

from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model import State
from remedyd.paths import shipped
from support.steered import Steered
from support.wire import Answer, Asked, Wire, forwarded, serving

SCENARIO = Scenario(
    workloads=tuple(
        WorkloadSpec("shop", name, "registry.example.com/shop:1", "40Mi", "20m", 2)
        for name in ("cart", "web", "pay", "mail")
    ),
    namespaces=("default", "kube-system", "shop"),
)
PATIENCE = 3.0
"""Seconds after which a request to Elasticsearch has failed."""
AUDIT = "replica-gap"
PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
Spoil = Answer | Callable[[Answer], Answer]
"""What is answered instead, or what becomes of the true answer."""


def said(status: int, body: object = None, **headers: str) -> Answer:
    """Have it answer this instead."""
    raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    told = PRODUCT | {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, raw, told)


def refused(status: int, kind: str) -> Spoil:
    """Have it refuse, as Elasticsearch words it."""
    return said(status, {"error": {"type": kind, "reason": "no"}, "status": status})


def edited(change: Callable[[dict[str, object]], object]) -> Spoil:
    """Change the true answer."""

    def spoil(reply: Answer) -> Answer:
        body = json.loads(reply.body)
        change(body)
        return replace(reply, body=json.dumps(body).encode())

    return spoil


def _other_columns(body: dict[str, object]) -> None:
    body["columns"] = [{"name": "x", "type": "keyword"}]
    body["values"] = [["y"]]


def _short_rows(body: dict[str, object]) -> None:
    body["values"] = [["y"]]


HUGE = b'{"columns": [{"name": "a", "type": "keyword"}], "values": [' + b'["x"],' * 3_000_000
LONG = said(200, {"columns": [], "values": [], "padding": "x" * 2000})
FAULTS: dict[str, tuple[Spoil, str, str]] = {
    "reset": (Answer(cut=0), "Unavailable", "cannot be reached"),
    "reset in the middle": (replace(LONG, cut=30), "Unavailable", "cannot be reached"),
    "silence": (Answer(pause=60), "Unavailable", "in time"),
    "bytes that trickle": (replace(LONG, drip=0.05), "Unavailable", "in time"),
    "429": (said(429, {"error": "busy"}, Retry_After="1"), "Unavailable", "429"),
    "503": (refused(503, "no_shard_available_action_exception"), "Unavailable", "503"),
    "500": (refused(500, "null_pointer_exception"), "Unavailable", "500"),
    "401": (refused(401, "security_exception"), "Forbidden", "credentials"),
    "403": (refused(403, "security_exception"), "Forbidden", "refuses"),
    "a login page": (said(200, b"<html>", Content_Type="text/html"), "Unavailable", "without"),
    "nothing": (said(200, b""), "Unavailable", ""),
    "half of JSON": (said(200, b'{"columns": ['), "Unavailable", "not JSON"),
    "a list": (said(200, [1]), "Unavailable", "without"),
    "no product header": (
        lambda a: replace(a, headers={"Content-Type": "application/json"}),
        "Unavailable",
        "not Elasticsearch",
    ),
    "partial": (edited(lambda b: b.update(is_partial=True)), "Partial", "partial"),
    "other columns": (edited(_other_columns), "BadQuery", ""),
    "rows of another length": (edited(_short_rows), "Unavailable", "without cells"),
    "no rows": (edited(lambda b: b.update(values=[])), "NoData", ""),
    "more than fits": (said(200, HUGE), "Unavailable", "larger than 16 MiB"),
}


@dataclass
class Between:
    """Stands in front of the lab's Elasticsearch, and spoils answers."""

    url: str
    spoil: Spoil | None = None
    only: str = "/_query"

    def __call__(self, asked: Asked) -> Answer:
        """Answer one request."""
        spoil = self.spoil if self.only in asked.path else None
        if isinstance(spoil, Answer):
            return spoil
        reply = forwarded(self.url, asked, "x-elastic-product", "content-type")
        return spoil(reply) if spoil else reply


@pytest.fixture(scope="module")
def between() -> Between:
    """Return what stands in between."""
    return Between("")


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, between: Between
) -> Iterator[tuple[Steered, Wire]]:
    """A daemon whose policy would propose a restart at every cycle of its audit."""
    home = tmp_path_factory.mktemp("elasticsearch")
    policy = (shipped("policies") / f"{AUDIT}.yaml").read_text(encoding="utf-8")
    policy = policy.replace("cycles: 3", "cycles: 1").replace("maxTargetsPercent: 25", "")
    lab = Lab(
        seed=5, history=timedelta(minutes=1), interval=timedelta(minutes=1), scenario=SCENARIO
    )
    quick = stamina.set_testing(True, attempts=2, cap=True)
    with quick, lab, serving(between) as wire:
        between.url = lab.elasticsearch_url
        lab.inject("stuck", "shop/cart", pods=1)
        lab.advance(timedelta(minutes=12))
        reached = {"url": wire.url, "timeout_seconds": PATIENCE}
        with Steered(lab, home, policy, elasticsearch=reached) as daemon:
            yield daemon, wire


@pytest.fixture
def daemon(running: tuple[Steered, Wire], between: Between) -> Iterator[Steered]:
    """The daemon; afterwards Elasticsearch is well again."""
    yield running[0]
    between.spoil, between.only = None, "/_query"
    assert running[0].bugs() == 0
    running[0].lab.advance(timedelta(minutes=1))  # what the gate remembers is old by then


def outcome(daemon: Steered) -> tuple[str, str]:
    """Run the audit's cycle; return how it ended, and why."""
    cycle = daemon.app.loop.cycle(AUDIT)
    (result,) = cycle.results
    assert result.ok or not cycle.proposals
    return result.outcome.value, result.detail


@pytest.mark.parametrize("fault", FAULTS)
def test_trouble_has_a_name_and_proposes_nothing(
    daemon: Steered, between: Between, fault: str
) -> None:
    """The outcome is the audit's, in its metric and in the daemon's own memory."""
    between.spoil, expected, words = FAULTS[fault]
    found, why = outcome(daemon)
    assert found == expected, why
    assert words in why
    assert f"{AUDIT}: {expected}" in daemon.service._recent.failing()
    line = f'remedyd_audit_runs_total{{audit="{AUDIT}",outcome="{expected}"}}'
    assert line in daemon.app.metrics.exposition().decode()
    assert not daemon.proposals()


@pytest.mark.parametrize("fault", ["reset", "silence", "503", "401", "a login page"])
def test_readyz_tells_of_an_outage_while_it_lasts(
    daemon: Steered, between: Between, fault: str
) -> None:
    """Not from memory: it was well before, and is well after."""
    assert daemon.service.readiness().reasons == ()
    between.spoil, between.only = FAULTS[fault][0], ""
    (reason,) = daemon.service.readiness().reasons
    assert reason.startswith("elasticsearch: ")
    between.spoil = None  # who is still being waited for is waited for to the end
    assert any(daemon.service.readiness().reasons == () for _ in range(4))


def test_a_part_that_hangs_does_not_hang_who_asks(daemon: Steered, between: Between) -> None:
    """Fifty ask at once while nobody answers: one question is under way, all hear of it."""
    between.spoil, between.only = Answer(pause=60), ""
    before = threading.active_count()
    askers = [threading.Thread(target=daemon.service.readiness) for _ in range(50)]
    for asker in askers:
        asker.start()
    assert threading.active_count() <= before + 50 + 6
    for asker in askers:
        asker.join(5)
    assert not any(asker.is_alive() for asker in askers)


def test_proof_is_not_made_of_an_outage(daemon: Steered, between: Between) -> None:
    """A change whose proof cannot be read is neither good nor bad: a person is called.

    Once Elasticsearch is well the next cycle proposes again, and nothing was restarted.
    """
    assert outcome(daemon)[0] == "Ok"
    (proposal,) = daemon.proposals(State.PROPOSED)
    daemon.approve(proposal)
    between.spoil = FAULTS["503"][0]
    ended = daemon.wait(80, proposal, every=8)
    assert ended.state is State.INCONCLUSIVE
    assert ended.verdict is not None
    assert len(daemon.writes(proposal)) == 1
    between.spoil = None
    daemon.lab.inject("stuck", "shop/web", pods=1)
    daemon.lab.advance(timedelta(minutes=12))
    assert outcome(daemon)[0] == "Ok"
    assert [p.plan.target.name for p in daemon.proposals(State.PROPOSED)] == ["web"]
