"""What happens is told exactly once, however often Elasticsearch is away."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
import sqlalchemy as sa

from remedyd.errors import Conflict, Refused, StoreError
from remedyd.model import DecisionKind, Proposal, State
from remedyd.proposals.flags import Flag
from remedyd.proposals.outbox import Channel, Letter, put
from remedyd.proposals.refusals import Refusal
from remedyd.proposals.reports import FULL
from remedyd.proposals.store import Store
from remedyd.stages.report import Mail, TrailCourier
from support.proposals import START, a_decision, a_proposal, a_target
from support.trail import Post, Receiver

ROAD = (State.APPROVED, State.APPLYING, State.APPLIED, State.VERIFYING, State.EFFECTIVE)


def live(store: Store, key: str, name: str, road: tuple[State, ...] = ROAD) -> Proposal:
    """Create a proposal and walk it down its road."""
    proposal = store.create(a_proposal(key, name))
    for state in road:
        proposal = store.transition(proposal, state)
    return proposal


def recorded(store: Store, *keys: str) -> set[str]:
    return {f"{e.proposal}-{e.sequence}" for key in keys for e in store.events(key)}  # type: ignore[arg-type]


def refusal(number: int = 0) -> Refusal:
    return Refusal(
        START, "pat", "approve", "Forbidden", "pat lacks the scope", request_id=str(number)
    )


def test_every_move_is_told_once(post: Post, elastic: Receiver) -> None:
    """Each event of a life arrives under its own id, and nothing is left in the outbox."""
    live(post.store, "p1", "cart")
    post.deliver()
    assert set(elastic.documents) == recorded(post.store, "p1")
    assert post.store.outbox.backlog(Channel.ELASTICSEARCH).waiting == 0


def test_nothing_is_lost_while_elasticsearch_is_down(post: Post, elastic: Receiver) -> None:
    """Down for a life, up again: every event is there exactly once."""
    elastic.fate = lambda: 503
    live(post.store, "p1", "cart")
    post.deliver()
    assert elastic.documents == {}
    elastic.fate = lambda: "take"
    post.deliver()
    assert set(elastic.documents) == recorded(post.store, "p1")


def test_an_answer_that_is_lost_doubles_nothing(post: Post, elastic: Receiver) -> None:
    """What arrived although its answer did not is refused as known, which is as good as taken."""
    live(post.store, "p1", "cart")
    elastic.fate = lambda: "lose"
    post.deliver()
    elastic.fate = lambda: "take"
    post.deliver()
    assert set(elastic.documents) == recorded(post.store, "p1")
    assert post.metric("remedyd_outbox_sent_total", channel="elasticsearch", result="known") == 6
    assert post.store.outbox.backlog(Channel.ELASTICSEARCH).waiting == 0


@pytest.mark.parametrize("seed", range(4))
def test_a_bad_day_is_told_exactly_once(
    sqlite: str, posts: Callable[..., Post], elastic: Receiver, seed: int
) -> None:
    """Under any order of outages, lost answers, restarts and a change of leader."""
    random = Random(seed)
    fates: list[str | int] = ["take", "take", "lose", 503, 429, 403, 413, 500]
    elastic.fate = lambda: random.choice(fates)
    first, second = posts(sqlite), posts(sqlite)
    keys = [f"p{number}" for number in range(12)]
    for key in keys:
        store = random.choice((first, second)).store
        live(store, key, key, ROAD[: random.randrange(len(ROAD))])
        random.choice((first, second)).deliver()
        if random.random() < 0.2:
            second = posts(sqlite)
    elastic.fate = lambda: "take"
    first.store.outbox.reconsider()
    first.deliver()
    assert set(elastic.documents) == recorded(first.store, *keys)
    assert first.store.outbox.backlog(Channel.ELASTICSEARCH).waiting == 0


def test_a_refused_document_is_set_aside_and_blocks_nothing(post: Post, elastic: Receiver) -> None:
    """What the mapping refuses is kept with the reason and told; the rest arrives."""
    elastic.item_status = lambda d: 400 if d["event"]["action"] == "applied" else 201
    live(post.store, "p1", "cart")
    post.deliver()
    assert set(elastic.documents) == recorded(post.store, "p1") - {"p1-3"}
    backlog = post.store.outbox.backlog(Channel.ELASTICSEARCH)
    assert (backlog.waiting, backlog.set_aside) == (0, 1)
    assert "as_told_exception" in post.mail.notices()[0]
    assert post.metric("remedyd_outbox_set_aside", channel="elasticsearch") == 1


def test_what_was_set_aside_is_tried_again_at_the_next_start(post: Post, elastic: Receiver) -> None:
    """After the mapping is mended nothing is missing."""
    elastic.item_status = lambda document: 400
    live(post.store, "p1", "cart", ())
    post.deliver()
    elastic.item_status = lambda document: 201
    assert post.store.outbox.reconsider() == 1
    post.deliver()
    assert set(elastic.documents) == {"p1-0"}


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503])
def test_an_item_refused_for_our_own_sake_waits(post: Post, elastic: Receiver, status: int) -> None:
    """A missing right or a busy shard says nothing about the document: it is sent again."""
    elastic.item_status = lambda document: status
    live(post.store, "p1", "cart", ())
    post.deliver()
    assert post.store.outbox.backlog(Channel.ELASTICSEARCH).waiting == 1
    assert str(status) in post.mail.notices()[0]


def test_one_that_spoils_the_whole_request_is_found(post: Post, elastic: Receiver) -> None:
    """A request that is too large is halved until the one that is stands alone."""
    live(post.store, "p1", "cart")
    elastic.fate = lambda: 413 if "p1-2" in elastic.requests[-1] else "take"
    post.deliver()
    assert set(elastic.documents) == recorded(post.store, "p1") - {"p1-2"}
    assert post.store.outbox.backlog(Channel.ELASTICSEARCH).set_aside == 1


def test_what_did_not_happen_is_not_told(post: Post) -> None:
    """The loser of a race writes no letter: it is part of the same transaction."""
    proposal = post.store.create(a_proposal())
    post.store.transition(proposal, State.APPROVED)
    with pytest.raises(Conflict):
        post.store.transition(proposal, State.REJECTED)
    letters = post.store.outbox.due(Channel.ELASTICSEARCH, 10)
    assert [letter.id for letter in letters] == ["p1-0", "p1-1"]


def test_only_the_leader_sends(post: Post, elastic: Receiver) -> None:
    """A daemon that does not lead leaves the outbox alone."""
    live(post.store, "p1", "cart", ())
    post.leads = False
    post.deliver()
    assert elastic.requests == []


def test_pauses_grow_while_nobody_answers(sqlite: str, posts: Callable[..., Post]) -> None:
    """Two seconds, four, eight, up to a minute: no hammering of what is down."""
    post = posts(sqlite, elasticsearch="http://127.0.0.1:9")
    live(post.store, "p1", "cart", ())
    asked: list[float] = []

    class Down:
        channel = Channel.ELASTICSEARCH

        def deliver(self) -> str:
            asked.append(post.seconds)
            return "down"

    mail = Mail(post.store.outbox, [Down()], post.metrics, now=lambda: post.seconds)
    for second in range(200):
        post.seconds = float(second)
        mail()
    assert [b - a for a, b in pairwise(asked)] == [2, 4, 8, 16, 32, 60, 60]


def test_a_full_outbox_lets_nothing_new_begin(
    sqlite: str, posts: Callable[..., Post], elastic: Receiver
) -> None:
    """No proposal and no approval that could not be accounted for; what runs goes on."""
    post = posts(sqlite, most=6)
    running = live(post.store, "p1", "cart", ROAD[:3])
    waits = post.store.create(a_proposal("p2", "web"))
    post.store.amend(waits, action="note")
    with pytest.raises(Refused, match="audit trail") as refused:
        post.store.create(a_proposal("p3", "shop"))
    assert refused.value.reason == FULL
    with pytest.raises(Refused):
        post.store.transition(post.store.get(waits.id), State.APPROVED)
    post.store.transition(running, State.VERIFYING)
    assert len(post.store.events(running.id)) == 5
    post.deliver()
    post.store.create(a_proposal("p3", "shop"))
    post.deliver()
    assert set(elastic.documents) == recorded(post.store, "p1", "p2", "p3")


def test_refusals_cannot_fill_the_outbox(sqlite: str, posts: Callable[..., Post]) -> None:
    """Whoever is refused without end leaves room for changes; what is left out is counted."""
    post = posts(sqlite, most=10)
    for number in range(20):
        post.store.refusals.add(refusal(number))
    assert post.store.outbox.backlog(Channel.ELASTICSEARCH).waiting == 5
    assert post.metric("remedyd_outbox_omitted_total", kind="refusal") == 15
    assert len(post.store.refusals.read()) == 20
    live(post.store, "p1", "cart", (State.APPROVED,))


def test_switches_and_refusals_are_told(post: Post, elastic: Receiver) -> None:
    """Who paused and why; who was refused what."""
    post.store.flags.set(Flag("pause", True, START, "ann", "deploy"))
    post.store.refusals.add(refusal())
    post.deliver()
    told = {d["event"]["action"]: d for d in elastic.documents.values()}
    assert told["paused"]["user"]["name"] == "ann"
    assert told["refused"]["event"]["type"] == ["denied"]
    assert told["refused"]["event"]["outcome"] == "failure"


def test_a_decision_is_told_when_it_says_something_new(post: Post, elastic: Receiver) -> None:
    """Not at every run of the audit: when the kind or the reason changes, and once as refused."""
    held = a_decision(kind=DecisionKind.HOLD, reason="Cooldown")
    for decisions in ([held], [held], [replace(held, reason="Paused")], [held]):
        post.store.decided(decisions, post.clock.now())
        post.clock.advance(timedelta(minutes=1))
    for _ in range(2):
        post.store.not_proposed(a_decision(), "Blocked", "HpaOwned: an autoscaler owns it")
    post.deliver()
    told = [(d["event"]["action"], d["event"]["reason"]) for d in elastic.documents.values()]
    assert told == [("decided", reason) for reason in ("Cooldown", "Paused", "Cooldown", "Blocked")]


def test_thousands_of_decisions_are_one_write(
    sqlite: str, posts: Callable[..., Post], elastic: Receiver
) -> None:
    """The first run over a large cluster is told in one transaction, up to the bound."""
    post = posts(sqlite, most=1_000)
    many = [a_decision(a_target(f"w{n}"), kind=DecisionKind.SKIP) for n in range(800)]
    post.store.decided(many, post.clock.now())
    assert post.store.outbox.backlog(Channel.ELASTICSEARCH).waiting == 500
    assert post.metric("remedyd_outbox_omitted_total", kind="decision") == 300
    post.deliver()
    assert len(elastic.documents) == 500


def test_a_backlog_is_visible(post: Post, elastic: Receiver) -> None:
    """How much waits, since when, and why: in metrics and as a notice."""
    elastic.fate = lambda: 503
    live(post.store, "p1", "cart", ())
    post.deliver()
    assert post.metric("remedyd_outbox_waiting", channel="elasticsearch") == 1
    oldest = post.metric("remedyd_outbox_oldest_timestamp_seconds", channel="elasticsearch")
    assert oldest == pytest.approx(START.timestamp())
    notice = post.mail.notices()[0]
    assert notice.startswith("audit trail: 1 wait since 2026-11-05 12:00:00Z: ")
    assert "503" in notice


def test_sent_events_outlive_their_proposals(post: Post) -> None:
    """Retention deletes old proposals from the store, never letters that were not sent."""
    live(post.store, "p1", "cart")
    post.store.delete_finished(START + timedelta(days=1))
    assert post.store.outbox.backlog(Channel.ELASTICSEARCH).waiting == 6


def test_a_decision_that_could_not_be_kept_is_told_the_next_time(
    sqlite: str, posts: Callable[..., Post], elastic: Receiver
) -> None:
    """News is what was written, not what was thought of."""
    post = posts(sqlite)
    decision = a_decision(a_target("web"))
    engine = sa.create_engine(sqlite)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE outbox RENAME TO away"))
    with pytest.raises(StoreError):
        post.store.decided([decision], post.clock.now())
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE away RENAME TO outbox"))
    engine.dispose()
    post.store.decided([decision], post.clock.now())
    post.store.decided([decision], post.clock.now())
    post.deliver()
    assert [d["event"]["action"] for d in elastic.documents.values()] == ["decided"]


def test_a_daemon_that_stops_ends_with_the_batch_it_is_at(post: Post, elastic: Receiver) -> None:
    """A long backlog does not hold up the end; the rest waits for the next start."""
    noted = {"@timestamp": START.isoformat(), "event": {"action": "x"}}
    letters = [Letter(Channel.ELASTICSEARCH, f"n{one}", START, noted) for one in range(600)]
    with post.store.outbox._database.write() as connection:
        put(connection, letters)
    courier = TrailCourier(
        post.store.outbox, post.sink, post.clock, post.metrics, leads=lambda: not elastic.documents
    )
    assert courier.deliver() == ""
    sent = len(elastic.documents)
    assert 0 < sent < 600
    assert post.store.outbox.backlog(Channel.ELASTICSEARCH).waiting == 600 - sent
